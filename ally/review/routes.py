from flask import Blueprint

review_acts = Blueprint("review", __name__)
