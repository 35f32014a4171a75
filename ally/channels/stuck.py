"""Replies that nobody may have got, and that somebody should look at: as SQL on a delivery `s`."""

# The indexes' own words: whoever writes them otherwise reads the whole table.
FAILED = "s.acknowledged_at IS NULL AND (s.status = 'rejected' OR s.reported = 'bounced')"
UNKNOWN = "s.status = 'unknown'"

COUNT = """(SELECT count(*) FROM (SELECT FROM delivery s WHERE s.account_id = :account_id
               AND {where} LIMIT 100) n)"""
STUCK = COUNT.format(where=FAILED) + " + " + COUNT.format(where=UNKNOWN)  # how many there are
