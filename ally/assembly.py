"""How the application is put together."""

from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from ally import assets, cli, db, language, llm, logs, web
from ally.accounts import access, users
from ally.accounts.config_routes import config_pages
from ally.accounts.own_settings_routes import own_settings_pages
from ally.accounts.routes import sign_in_pages
from ally.audit.routes import audit_pages
from ally.channels import checkpoints, connection, files, outbox, secrets, senders
from ally.channels.fast_path import FastPath
from ally.channels.mail import ids
from ally.channels.routes import webhooks
from ally.channels.settings_routes import channel_settings
from ally.community import addresses, wallets
from ally.community.member_routes import member_pages
from ally.community.score_routes import score_pages
from ally.community.scoring import scored
from ally.desk import assigning, drafting
from ally.desk.alike_routes import alike_pages
from ally.desk.conversation_routes import conversation_acts
from ally.desk.editor_routes import editor_acts
from ally.desk.internal import internal_api
from ally.desk.list_routes import conversation_lists
from ally.desk.macro_routes import macro_pages
from ally.desk.mail_routes import mail_pages
from ally.desk.outgoing_routes import outgoing_pages
from ally.desk.replies import Reply
from ally.desk.rewriting_routes import rewriting_acts
from ally.desk.routes import desk_pages
from ally.desk.timeline_routes import timeline_pages
from ally.desk.work_routes import work_acts
from ally.dev.routes import development_pages
from ally.health import count_mail, health_pages
from ally.jobs import routes as job_routes
from ally.jobs.routes import job_pages
from ally.knowledge import documents
from ally.knowledge.routes import knowledge_pages
from ally.ledger import amounts, checking
from ally.notifications.routes import notification_pages
from ally.review import claims, decisions, digest, kinds, presence, pulse
from ally.review.label_routes import label_acts
from ally.review.learning_routes import learning_pages
from ally.review.pulse_path import PulsePath
from ally.review.pulse_routes import pulse_pages
from ally.review.routes import review_acts
from ally.rewards import campaigns, chain, hot_key, invariants
from ally.rewards import wallets as reward_wallets
from ally.rewards.batches import PayoutBatch
from ally.rewards.campaign_routes import campaign_pages
from ally.rewards.payout_routes import payout_pages
from ally.settings import Settings, load, sqlalchemy_url

ROOT = Path(__file__).parent.parent
# One process that hangs must not make all the others wait for its locks.
SESSION_LIMITS = "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"
SESSION_COOKIE_LASTS = int(timedelta(days=31).total_seconds())  # as Flask reads it
POOL_SIZE = 5  # connections that one service holds at most (contract 001-14)


def assemble(settings: Settings | None = None) -> Flask:
    settings = settings or load()
    app = Flask("ally", root_path=str(ROOT), template_folder="templates", static_folder=None)
    app.config.update(flask_settings(settings))
    logs.init_app(app)
    db.init_app(app)
    web.init_app(app)
    assets.init_app(app)
    access.init_app(app)
    app.jinja_env.filters.update(
        tokens=amounts.grouped,
        shown=amounts.shown,
        checksummed=addresses.checksummed,
        short_address=addresses.shortened,
        moment=datetime.fromisoformat,
    )
    language.init_app(app, wanted_language=access.wanted_language, wanted_zone=access.wanted_zone)
    cli.init_app(app)
    secrets.use_key(settings.secret_key or "development-only")
    digest.use_key(settings.secret_key or "development-only")
    ids.use_key(settings.secret_key or "development-only")
    kinds.register(Reply())
    kinds.register(PayoutBatch())
    llm.use(settings.llm_base_url, settings.llm_api_key, settings.llm_model)
    chain.use(settings.chains, settings.chain_confirmations)
    checking.compare_with(invariants.broken)
    scored.ask_which(campaigns.scorers_chosen)
    hot_key.use(settings.payout_key, settings.payout_account)
    wallets.let_know(reward_wallets.release_waiting, reward_wallets.hold_excess)
    job_routes.show_readers(checkpoints.checkpoints)
    files.use_folder(settings.storage_folder)
    documents.use_folder(knowledge_folder(settings))
    drafting.use_writer(drafting.retrieval_writer)
    users.let_go_with(claims.let_go_of, presence.let_go_of, assigning.let_go_of)
    decisions.use_undo_window(settings.undo_seconds)
    outbox.use_lease(settings.delivery_lease_seconds)
    connection.use_desk_server(settings.smtp_url)
    senders.use_all(settings.smtp_url, in_development=not settings.is_production)

    app.register_blueprint(health_pages)
    app.register_blueprint(sign_in_pages)
    app.register_blueprint(own_settings_pages)
    app.register_blueprint(webhooks)
    app.register_blueprint(review_acts)
    app.register_blueprint(label_acts)
    app.register_blueprint(learning_pages)
    app.register_blueprint(pulse_pages)
    app.register_blueprint(desk_pages)
    app.register_blueprint(outgoing_pages)
    app.register_blueprint(editor_acts)
    app.register_blueprint(timeline_pages)
    app.register_blueprint(mail_pages)
    app.register_blueprint(macro_pages)
    app.register_blueprint(rewriting_acts)
    app.register_blueprint(conversation_acts)
    app.register_blueprint(conversation_lists)
    app.register_blueprint(alike_pages)
    app.register_blueprint(work_acts)
    app.register_blueprint(internal_api)
    app.register_blueprint(job_pages)
    app.register_blueprint(knowledge_pages)
    app.register_blueprint(audit_pages)
    app.register_blueprint(notification_pages)
    app.register_blueprint(channel_settings)
    app.register_blueprint(config_pages)
    app.register_blueprint(member_pages)
    app.register_blueprint(score_pages)
    app.register_blueprint(campaign_pages)
    app.register_blueprint(payout_pages)
    if not settings.is_production:
        app.register_blueprint(development_pages)
    access.refuse_undeclared_routes(app)
    add_fast_path(app, settings)
    add_pulse(app, settings)
    if settings.trusted_proxies:
        proxies = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    return app


def add_fast_path(app: Flask, settings: Settings) -> None:
    """Let ordinary mails in before the application, which takes ten times as long for them."""
    app.wsgi_app = FastPath(  # type: ignore[method-assign]
        app.wsgi_app,
        engine_of(app),
        headers=web.usual_headers(settings).items(),
        mails_a_minute=settings.mails_per_minute,
        noted=count_mail,
    )


def add_pulse(app: Flask, settings: Settings) -> None:
    """Let open pages ask before the application, which takes ten times as long for them."""
    pulse.use_assets(assets.asset_path("ally.css"))
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None

    def token_in(cookie: str) -> str | None:
        try:
            return signer.loads(cookie, max_age=SESSION_COOKIE_LASTS).get("_user_id")
        except BadSignature:
            return None

    app.wsgi_app = PulsePath(  # type: ignore[method-assign]
        app.wsgi_app,
        engine_of(app),
        cookie=str(app.config["SESSION_COOKIE_NAME"]),
        token_in=token_in,
        idle_hours=settings.session_idle_hours,
        headers=web.usual_headers(settings).items(),
    )


def engine_of(app: Flask) -> Engine:
    with app.app_context():
        return db.db.engine


def knowledge_folder(settings: Settings) -> Path | None:
    if settings.knowledge_folder or settings.is_production:
        return settings.knowledge_folder
    return ROOT / "ally" / "demo" / "knowledge"


def flask_settings(settings: Settings) -> dict[str, object]:
    """What Flask and its extensions read; `ALLY` holds our own."""
    return {
        "ALLY": settings,
        "SECRET_KEY": settings.secret_key or "development-only",
        "MIGRATIONS": ROOT / "migrations",
        "SQLALCHEMY_DATABASE_URI": sqlalchemy_url(settings.database_url),
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": POOL_SIZE,
            "max_overflow": 0,
            "pool_timeout": 5,
            "pool_pre_ping": False,
            # The text of an error goes to the log, and these are what customers write.
            "hide_parameters": True,
            # Whoever connects, the application acts as the role that owns nothing.
            "connect_args": {
                "options": f"-c role=app_rw {SESSION_LIMITS}",
                "connect_timeout": 5,
                "tcp_user_timeout": 15_000,
            },
        },
        "SESSION_COOKIE_NAME": "__Host-ally" if settings.is_production else "ally",
        "SESSION_COOKIE_SECURE": settings.is_production,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        "TEMPLATES_AUTO_RELOAD": False,
    }
