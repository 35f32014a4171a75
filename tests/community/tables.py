"""What the community's tables hold, told without ids and times of our own, to be compared."""

from sqlalchemy import text

from ally.db import db

TOLD = {
    "channels": "SELECT platform, platform_id, name, is_active FROM channel",
    "people": """
        SELECT u.platform, u.platform_id, u.display_name, u.is_bot, p.display_name
          FROM platform_user u JOIN person p ON p.id = u.person_id""",
    "persons": "SELECT count(*) FROM person",
    "posts": """
        SELECT c.platform_id, p.external_id, u.platform_id, p.content, p.earns, p.is_deleted,
               p.posted_at, p.edited_at, p.version_at, p.deleted_at
          FROM post p JOIN channel c ON c.id = p.channel_id
          JOIN platform_user u ON u.id = p.author_id""",
    "reactions": """
        SELECT p.external_id, u.platform_id, r.kind
          FROM reaction r JOIN post p ON p.id = r.post_id
          JOIN platform_user u ON u.id = r.platform_user_id""",
    "relations": """
        SELECT r.kind, a.external_id, b.external_id
          FROM post_relation r JOIN post a ON a.id = r.from_id JOIN post b ON b.id = r.to_id""",
    "details": """
        SELECT p.external_id, d.guild_id, d.channel_id, d.thread_id, d.embeds, d.attachments
          FROM discord_post_detail d JOIN post p ON p.id = d.post_id""",
    "counts": """
        SELECT DISTINCT p.external_id, m.like_count, m.meta
          FROM metric_snapshot m JOIN post p ON p.id = m.post_id""",
    "threads": """
        SELECT c.platform_id, t.external_id, t.name, t.starter_external_id, t.is_archived,
               t.deleted_at IS NOT NULL
          FROM community_thread t JOIN channel c ON c.id = t.channel_id""",
    "parked": """
        SELECT c.platform_id, f.external_id, f.kind
          FROM parked_fact f JOIN channel c ON c.id = f.channel_id""",
}


def tables():
    return {
        name: sorted(str(tuple(row)) for row in db.session.execute(text(asked)))
        for name, asked in TOLD.items()
    }
