"""The parts of a search as SQL; `search_queries` puts them together.

In braces stands what is put in: other parts, or the name of a bound value.  Nothing that a
person has typed is ever part of a statement.
"""

from sqlalchemy import text

from ally.desk.search import By, Has, Is

PREPARE = text("""
    SELECT set_config('statement_timeout', :patience, true),
           set_config('plan_cache_mode', 'force_custom_plan', true),
           (SELECT array_agg(phraseto_tsquery('simple', search_words(said))::text ORDER BY n)
              FROM unnest(CAST(:said AS text[])) WITH ORDINALITY u (said, n))
""")
AT_EASE = text("SET LOCAL statement_timeout TO DEFAULT")

PAGE = """
WITH {found}
     looked AS MATERIALIZED (
       SELECT c.id, c.last_message_at{hit_columns} FROM {source}
        WHERE c.account_id = :account_id AND c.merged_into_id IS NULL {filters}
          AND (c.last_message_at, c.id) < (:before_at, :before_id)
        {bound}),
     page AS (
       SELECT c.id{hit_columns_again} FROM looked l JOIN conversation c ON c.id = l.id
        WHERE c.account_id = :account_id {costly}
        ORDER BY c.last_message_at DESC, c.id DESC LIMIT :limit)
SELECT n.looked_at, n.end_at, n.end_id, c.id, c.subject, c.customer_name, c.customer_email,
       c.status, c.is_quarantined, c.is_spam, c.last_message_at, c.snoozed_until,
       ch.type AS channel, m.direction, m.category, m.snippet, {hit} AS hit, {hit_id} AS hit_id,
       {noted} AS noted, {is_cut} AS is_cut, u.display_name AS assignee,
       (SELECT array_agg(t.name ORDER BY t.name) FROM conversation_tag ct
          JOIN tag t ON t.id = ct.tag_id
         WHERE ct.conversation_id = c.id AND ct.account_id = :account_id) AS tags,
       EXISTS (SELECT 1 FROM draft d WHERE d.conversation_id = c.id
                AND d.status = 'pending') AS waits,
       EXISTS (SELECT 1 FROM delivery s WHERE s.conversation_id = c.id
                AND ({refused} OR {returned})) AS is_undelivered
  FROM (SELECT {looked_at} AS looked_at,
               (SELECT last_message_at FROM looked ORDER BY last_message_at, id LIMIT 1) AS end_at,
               (SELECT id FROM looked ORDER BY last_message_at, id LIMIT 1) AS end_id) n
  LEFT JOIN (page p
       JOIN conversation c ON c.id = p.id
       JOIN channel ch ON ch.id = c.channel_id
       LEFT JOIN "user" u ON u.id = c.assignee_id
       LEFT JOIN LATERAL (
            SELECT direction, category,
                   left(body_text, least(200, (metadata->>'quoted_from')::int)) AS snippet
              FROM message said WHERE conversation_id = c.id
               AND NOT EXISTS (SELECT FROM delivery s WHERE s.account_id = :account_id
                                AND s.message_id = said.id AND s.status = 'cancelled')
             ORDER BY sent_at DESC LIMIT 1) m ON true
       {hit_join}) ON true
 ORDER BY c.last_message_at DESC, c.id DESC
"""
HITS = """
     found AS MATERIALIZED (
       SELECT * FROM (SELECT f.message_id, NULL::uuid AS note_id, f.conversation_id
                        FROM find_messages(CAST(:words AS tsquery), :most) f {authors}) f
       {notes}),
     hit AS (
       SELECT DISTINCT ON (conversation_id) * FROM found
        ORDER BY conversation_id, coalesce(message_id, note_id) DESC),"""
NOTES = """UNION ALL
       SELECT NULL, f.note_id, f.conversation_id
         FROM find_notes(CAST(:words AS tsquery), :most) f"""
# What surrounds the first of the words in the text, else the beginning of it.
EXCERPT = """
       LEFT JOIN message hm ON hm.id = p.message_id
       LEFT JOIN note hn ON hn.id = p.note_id
       LEFT JOIN LATERAL (
            SELECT left(coalesce(hm.body_text, hn.body), 60000) AS body) b ON true
       LEFT JOIN LATERAL (
            SELECT min(nullif(strpos(lower(b.body), needle), 0)) AS place
              FROM unnest(CAST(:needles AS text[])) needle) x ON true"""
HIT = "substr(b.body, greatest(1, coalesce(x.place, 1) - 40), 240)"

STATES = {
    Is.OPEN: "c.status = 'open' AND c.snoozed_until IS NULL",
    Is.MINE: "c.status = 'open' AND c.assignee_id = :user_id",
    Is.UNASSIGNED: """c.status = 'open' AND c.snoozed_until IS NULL AND NOT c.is_spam
                      AND c.assignee_id IS NULL""",
    Is.SNOOZED: "c.snoozed_until IS NOT NULL",
    Is.CLOSED: "c.status = 'closed' AND NOT c.is_spam",
    Is.QUARANTINED: "c.is_quarantined",
    Is.SPAM: "c.is_spam",
    Is.WAITING: """c.id IN (SELECT d.conversation_id FROM draft d
                     WHERE d.account_id = :account_id AND d.status = 'pending')""",
    Is.UNDELIVERED: """c.id IN (SELECT s.conversation_id FROM delivery s WHERE {refused}
                      UNION ALL SELECT s.conversation_id FROM delivery s WHERE {returned})""",
}
THINGS = {
    Has.NOTE: "c.id IN (SELECT n.conversation_id FROM note n WHERE n.account_id = :account_id)",
    Has.ATTACHMENT: """EXISTS (SELECT 1 FROM message m JOIN attachment a ON a.message_id = m.id
                      WHERE m.account_id = :account_id AND m.conversation_id = c.id)""",
}
OWN_WORDS = {
    By.CHANNEL: """c.channel_id IN (SELECT h.id FROM channel h WHERE h.account_id = :account_id
                    AND (lower({v}) IN (h.type, lower(h.key), lower(h.name), lower(h.from_address))
                         OR starts_with(lower(h.name), lower({v}))))""",
    By.TAG: """c.id IN (SELECT ct.conversation_id FROM conversation_tag ct
                 JOIN tag t ON t.id = ct.tag_id
                WHERE ct.account_id = :account_id AND lower(t.name) = lower({v}))""",
    By.ASSIGNED: """c.assignee_id IN (SELECT p.id FROM "user" p WHERE p.account_id = :account_id
                     AND (strpos(lower(p.display_name), lower({v})) > 0
                          OR lower(p.email) = lower({v})))""",
    By.REFERENCE: "c.reference = {v}",
    By.TO: """EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
               AND m.conversation_id = c.id AND strpos(lower(
                   concat(m.metadata->'to', ' ', m.metadata->'cc')), lower({v})) > 0)""",
    By.FROM: """EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
                 AND m.conversation_id = c.id AND {author})""",
    By.SUBJECT: """EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
                 AND m.conversation_id = c.id AND {subject})""",
}
AUTHOR = """m.direction = 'inbound' AND to_tsvector('simple', search_words(
            concat(m.author_name, ' ', m.author_email))) @@ CAST({v} AS tsquery)"""
SUBJECT = """to_tsvector('simple', search_words(coalesce(m.subject, '')))
             @@ CAST({v} AS tsquery)"""
LACKS = """NOT EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
            AND m.conversation_id = c.id AND m.search @@ CAST({v} AS tsquery))"""
COSTLY = {Has.ATTACHMENT, By.TO, By.FROM, By.SUBJECT}  # where no index helps
IN_MESSAGES = {By.FROM, By.SUBJECT}  # what the index of words answers, unless turned round
