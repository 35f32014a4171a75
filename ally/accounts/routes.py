from flask import Blueprint

sign_in_pages = Blueprint("sign_in", __name__)
