from flask import Blueprint

desk_pages = Blueprint("desk", __name__)
