from flask import Blueprint

notification_pages = Blueprint("notifications", __name__)
