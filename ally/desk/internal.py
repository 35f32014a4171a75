from flask import Blueprint

internal_api = Blueprint("internal", __name__)
