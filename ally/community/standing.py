"""Which score of a post counts: one statement, for pages and for money alike.

Of the scores by one scorer and version, until some time: the newest by a person, else the
newest.  One that a person called a duplicate, or dismissed, counts as zero; that a model's answer
could not be read is no score, so that the post counts when it has one.
"""

STANDING = """
    SELECT DISTINCT ON (s.post_id) s.post_id, s.id AS score_id, s.platform_user_id,
           CASE WHEN s.verdict IS NULL THEN s.value ELSE 0 END AS value
      FROM score s
     WHERE s.account_id = :account_id AND s.scorer = :scorer
       AND s.scorer_version = :scorer_version AND s.created_at <= :until
       AND s.details -> 'unread' IS NULL
     ORDER BY s.post_id, (s.user_id IS NOT NULL) DESC, s.created_at DESC, s.id DESC
"""
