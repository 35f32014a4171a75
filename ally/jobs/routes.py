from flask import Blueprint

job_pages = Blueprint("jobs", __name__)
