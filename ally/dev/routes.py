from flask import Blueprint

development_pages = Blueprint("development", __name__)
