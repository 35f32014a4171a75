"""What mail servers say when they refuse a mail, by the reason that is meant.

The reasons are words of Sisimai's list (https://libsisimai.org/en/reason/).  In order:
what is said more exactly comes first.
"""

SAID = (
    ("notcompliantrfc",
        r"not (?:be )?(?:rfc ?\d*|compliant with rfc)[ -]?\d*[ -]?complian|rfc ?\d+ complian"
        r"|duplicate headers? (?:is|are|not)|multiple (?:from|subject|to) headers?"),
    ("spamdetected", r"spam classification|spam (?:message|content|detected)|considered spam"),
    ("userunknown", r"recipient address rejected: access denied|in the same domain\)"),
    ("policyviolation", r"for policy reasons|policy violation|header error"),
    ("rejected",
        r"sending to/from an address|\bfrom:? domain|groups\.google\.com|posting to"
        r"|post messages to"),
    ("blocked", r"part of their network is on|on our block ?list"),
    ("notaccept", r"\bnull ?mx\b|malformed or unexpected name server reply|rfc7505|\bmx 0 \."),
    ("failedstarttls",
        r"starttls (?:is )?(?:required|failed)|must issue a starttls|tls is required"
        r"|required tls|mandatory tls"),
    ("requireptr",
        r"unverif[iy]+able sending|\bptr\b"
        r"|reverse[ -]?(?:dns|name|lookup|ip|host|record|address)|\brdns\b|fcrdns"
        r"|(?:cannot|can't|could not|unable to|failed to) (?:find|resolve) your (?:host|address"
        r"|ip|name)"
        r"|(?:no|missing|without|invalid) (?:a )?(?:valid )?(?:reverse|rdns|hostname for your)"
        r"|hostname (?:does not match|lookup)|dns checks? failed|not resolve to a domain"
        r"|your (?:server|ip|host)[^.]{0,40}(?:resolve|dns record)|generic hostname"
        r"|unresolvable relay|client host rejected: cannot find"),
    ("authfailure",
        r"\bdmarc|\bspf\b|\bdkim\b|sender policy framework|domainkeys"
        r"|unauthenticated (?:e-?mail|mail|sender)|sender id \(pra\)"
        r"|authentication (?:checks|results)|does not pass authentication"
        r"|email is not authenticated|passes? neither"),
    ("virusdetected", r"\bvirus(?!total)|malware|\btrojan|\bworm\b|infected|phish"),
    ("systemfull",
        r"(?:disk|mail system|file ?system|spool|server) (?:is )?full"
        r"|insufficient (?:system )?storage|system storage"),
    ("mailboxfull",
        r"quota|mail ?(?:box|folder|file|drop|store)?(?: is)?(?: currently)? (?:over)?full\b"
        r"|(?:box|folder)\b.{0,30}\b(?:full|exceed)"
        r"|over(?:[ -]the)?[ -](?:maximum|quota|storage|size)"
        r"|storage (?:is )?(?:allocation|limit|exceeded)|out of (?:storage|disk) space"
        r"|not enough (?:storage|disk|free)? ?space|too much mail (?:stored|data)"
        r"|insufficient disk"
        r"|exceed(?:ed|s|ing)? (?:the |his |her |its |their |maximum )?(?:disk|storage|mailbox"
        r"|allotted|allowed space)|容量|voll\b|pleine|llen[oa]\b"),
    ("hasmoved",
        r"has moved|changed (?:their|his|her|my)? ?e?-?mail ?address"
        r"|address has (?:been )?(?:replaced|changed)"
        r"|is no longer (?:valid|used).{0,60}new address|moved to|please use .{0,60}@"
        r"|has a new (?:e-?mail|address)|not accept(?:ing)? mail any ?more.{0,30}new"),
    ("spamdetected",
        r"\bspam(?!haus|cop)|spammy|unsolicited|\bbulk (?:e-?)?mail|\bube\b|\buce\b|junk"
        r"|appears to be unsolicited|content[- ]?(?:filter|rejected)|spamassassin"
        r"|mail content denied"
        r"|message (?:content )?(?:was |is )?(?:considered|classified|identified)"
        r"|looks like spam|rule imposed mailbox|denied by (?:content|policy) filter"),
    ("speeding",
        r"sent to too many recipients|rate[- ]?limit"
        r"|too many (?:messages|mails|e-?mails|recipients|requests)|throttl|too (?:fast|quickly)"
        r"|at a rate that|exceeded the (?:rate|maximum number|hourly)|receiving mail (?:too|at)"
        r"|slow down|try again later.{0,20}limit|(?:daily|hourly) (?:limit|quota)"
        r"|temporarily deferred|unusual rate|sending too"),
    ("toomanyconn",
        r"too many (?:\w+ )?(?:connections|sessions|smtp|concurrent)|concurrent (?:connect|sess)"
        r"|connection (?:rate|limit)|maximum (?:number of )?connections"),
    ("badreputation", r"reputation|poor rating|senderbase|low trust|previous history"),
    ("norelaying",
        r"relay(?:ing)? (?:is )?(?:access )?(?:not|denied|prohibited|rejected|disallowed"
        r"|operation|forbidden|attempt|from)"
        r"|not (?:permitted|allowed|authorized|authorised) to relay"
        r"|(?:unable|not able|cannot|can't|do(?:es)? not|won't|will not|refus\w+ to) (?:to"
        r" )?relay|relay(?:ing)? denied|no relaying|open relay|insecure mail relay|not a gateway"
        r"|isn't in my (?:list of allowed|control) ?(?:rcpthosts|locals)?|rcpthosts"
        r"|authentication (?:is )?required.{0,30}(?:relay|send)"
        r"|mail server requires authentication"),
    ("mesgtoobig",
        r"(?:message|mail|e-?mail|size|file|data|attachment)s?\b.{0,40}(?:too (?:big|large)"
        r"|exceed|larger than|over(?:sized|size))"
        r"|(?:maximum|max) (?:message|mail|allowed|permitted) ?(?:size|length)"
        r"|size (?:limit|of .{0,30} exceeds)|line (?:limit|length|(?:is )?too long)"
        r"|exceeds (?:the )?(?:maximum|size|fixed)|message length|bytes? limit"),
    ("hostunknown",
        r"host \S{1,255} not found|[a-z0-9-]\.[a-z]{2,20} does not exist"
        r"|host (?:or domain )?(?:name )?(?:is )?(?:unknown|not found|invalid|does(?: not|n't)"
        r" exist)|unknown (?:host|domain|mail server)|no such (?:domain|host)"
        r"|unrout?able (?:address|mail domain|domain)"
        r"|domain.{0,80}(?:not found|couldn't be found|could not be found|does(?: not|n't)"
        r" exist|unknown|is (?:invalid|not valid)|not exist)|nxdomain"
        r"|no (?:mx|such) .{0,30}(?:a |domain|host|record)|invalid (?:host|domain)"
        r"|bad destination (?:host|system)|name or service not known"
        r"|(?:no|not) (?:mail )?exchanger|recipient domain must exist|illegal host"
        r"|unable to (?:resolve|route)|missing (?:the )?(?:proper )?dns|mail domain mentioned"
        r"|no dns|cannot find (?:any )?(?:host|domain)|address .{0,40}not listed in public dns"
        r"|nullmx|wrong domain"),
    ("networkerror",
        r"too many hops|hop ?count|mail(?:er)? loop|routing loop|message loop"
        r"|loop(?:s)? (?:back|detected|to myself)|mail for .{0,80} loops|malformed name server"
        r"|dns (?:error|server|lookup (?:tim|fail)|timeout|type)|host ?name lookup failure"
        r"|name (?:service|server)(?:.{0,30})(?:error|fail|time)|no route to host"
        r"|network (?:is )?(?:unreachable|error)|connection refused"
        r"|connection (?:was )?(?:lost|dropped|reset|closed)|connected to .{0,60} but"
        r"|mx points to|address family|couldn't find any host|(?:ssl|tls) (?:handshake|error)"
        r"|delivery ?loop|temporary dns|unrouteable mail ?domain|servfail|read error"
        r"|host is down|bad gateway"),
    ("suspend",
        r"(?:account|mailbox|user|address|recipient|e-?mail)\b.{0,60}(?:suspend|disabled"
        r"|inactive|discontinued|deactivat|locked|expired|frozen|not active|blocked\b(?! (?:by"
        r"|using|your))|closed)"
        r"|(?:suspended|disabled|inactive|deactivated|expired|locked) (?:account|mailbox|user"
        r"|recipient)|mailbox currently suspended|temporarily (?:inactive|disabled)"
        r"|not been collected|invalid/inactive|inactivity|has been disabled"),
    ("notaccept",
        r"(?:does|do|did|will)(?: not|n't) (?:currently )?(?:accept|receive|like) (?:any "
        r"|e-?)?(?:mail|incoming|message|smtp)|null ?mx|no (?:smtp|mail) service"
        r"|system not accepting"
        r"|smtp (?:service|protocol) (?:is )?(?:not|disabled|returned a permanent)"
        r"|not accepting (?:network|any|mail|messages|smtp)|nullmx|rejects? all mail"
        r"|name server: ?\.: host not found|all mail is refused"),
    ("rejected",
        r"sender (?:address |e-?mail |domain |verif\w+ )?(?:was )?(?:rejected|denied|fail"
        r"|invalid|unknown|refused|not|must|blocked|rejeit)"
        r"|(?:bad|invalid|unknown|forged|unroutable|unrouteable|unverified|non-existent|fake)"
        r" (?:envelope )?(?:sender\b|return[- ]path|from\b)|return(?:-?path| address)"
        r"|mail from\b.{0,60}(?:rejected|denied|not|refused|block)"
        r"|from:? (?:address|domain|header)\b|envelope sender"
        r"|(?:domain|address) of (?:the )?sender|reject\w* (?:by )?your (?:address|sender)"
        r"|you are not (?:a member|allowed|authorized|permitted)|not (?:a )?member"
        r"|all recipient addresses rejected|permission(?:s)? to post"
        r"|blocked (?:sender|by (?:the )?recipient)|unsupported mail destination"
        r"|sender's? (?:domain|address)|empty envelope|null sender|backscatter"
        r"|not accepting mail from|you(?:'re| are) not|message rejected due to sender"),
    ("blocked",
        r"\bblock(?:ed|ing|list)|black[ -]?list|deny ?list|\b(?:dns|r)?[bd](?:l|nsbl)\b|rbl"
        r"|spamhaus|spamcop|sorbs|barracuda(?:central)?|cbl\.|banned"
        r"|client (?:host|ip).{0,60}(?:reject|deni|block|refus)"
        r"|access (?:from|denied.{0,20}(?:ip|client))"
        r"|connections? (?:not accepted|refused by|from your)"
        r"|(?:ip|host|helo|ehlo)\b.{0,50}(?:reject|not allowed|refused|denied|listed|block"
        r"|invalid)|your (?:ip|network|server|host|mail server|e-?mail is|isp|domain)\b"
        r"|no access from|smtp server of your isp|mail from your|go away|not welcome"
        r"|transaction failed.{0,20}listed|dynamic|dial-?up|grey ?list"
        r"|we do not accept mail from|has been denied|ip address"),
    ("securityerror",
        r"administrative prohibition|security (?:policy|reason)|encryption|must issue a starttls"
        r"|tls (?:is )?required|certificate|secur(?:e|ity) (?:connection|violation|error)"
        r"|turn on smtp auth\w*|smtp authentication"
        r"|authentication (?:failed|turned|required|credentials|failure|is)|executable"
        r"|attachment|access (?:denied|control)|dangerous|unauthori[sz]ed|not authori[sz]ed"
        r"|denied by securence|insecure|sorry, your don't authenticate"),
    ("policyviolation",
        r"polic(?:y|ies)|prohibited|not permitted|violat|rejected for|restricted|forbidden"
        r"|you have exceeded|header .{0,40}(?:invalid|missing)"),
    ("userunknown",
        r"user (?:is )?(?:unknown|not found|not known|does(?: not|n't)|name unknown|invalid"
        r"|mailbox not found)"
        r"|(?:unknown|invalid|no such|non-?existent|bad|illegal|undeliverable) (?:local["
        r" -]?part|user|recipient|account|mailbox|address|e-?mail|person|addressee|destination"
        r"|virtual|rcpt|final delivery userid|to:)"
        r"|(?:user|account|mailbox|address|recipient|person|addressee|name|alias|inbox"
        r"|directory|employee)s?\b.{0,80}(?:not (?:exist|found|valid|known|listed|recognized"
        r"|recognised|registered|local|match|available|here|have an|a valid)|n't (?:exist|found"
        r"|have|be found)|unknown|invalid|no longer|unavailable|never exist|rejected"
        r"|undeliverable|denied|wrong)"
        r"|no (?:mailbox|account|valid|user|one|person|recipient|matches|local|final)"
        r"|doesn't have an? |does(?: not|n't) (?:exist|have|like recipient)"
        r"|not (?:a|our) (?:known|valid|registered|customer|user)|not listed in"
        r"|isn't a (?:known|valid)|mailbox unavailable"
        r"|is not (?:a )?(?:known|recognized|recognised|registered|hosted|valid|deliverable"
        r"|local|our)|cannot find|user id|wrong (?:address|e-?mail)|inconnu|unbekannt"
        r"|desconocid|sconosciut|n'existe pas|non recens|見つかりません|存在しません"
        r"|存在しない|не существует"
        r"|invalid mailbox|can(?:not|'t) (?:be )?(?:verify|deliver to)"
        r"|not accept(?:ed|ing)? recipient|address(?:ee)? unknown|no matches"
        r"|recipnotfound|user(?:_|-)?unknown"),
    ("expired",
        r"all hosts have been failing"
        r"|(?:delivery|retry|message|connection|conversation|operation|session|timeout"
        r"|queue)\b.{0,60}(?:expired|time[ds]? ?-?out|timeout|too (?:long|old)|exceeded)"
        r"|time[d]? ?out|could not be delivered for"
        r"|(?:unable|not able|wasn't able|failed) to (?:connect|contact|establish|reach)"
        r"|could not deliver for|giving up|not reachable|unreachable|undeliverable for"
        r"|has been in the queue|delay|will (?:be|keep|continue).{0,20}(?:retr|try)|not yet been"
        r"|in (?:the )?queue|temporar(?:y|ily) unavailable|try(?:ing)? again later|\d+ attempts"
        r"|retried|deferred"),
    ("syntaxerror",
        r"syntax|improper (?:sequence|command)|bad sequence|malformed address"
        r"|command (?:not|unrecognized|out)|5\.5\.[1245]\b"),
    ("contenterror",
        r"content (?:error|rejected|not|is|type)"
        r"|(?:bare|malformed|8-?bit|binary|mime|header (?:error|syntax|too)|message format"
        r"|invalid (?:character|message|content)|conversion|improper use)"),
    ("mailererror",
        r"mailer error|command (?:died|failed|output|line)|exit (?:status|code)|pipe (?:to)?"
        r"|process(?:ing)? (?:failed|error)|child (?:status|process|crashed)|delivery agent"
        r"|procmail|x-unix|returned (?:non-?zero|error)|killed|program\b.{0,20}(?:fail|exit)"),
    ("systemerror",
        r"system (?:error|config|fail|resource|problem|not capable|incorrectly)"
        r"|server (?:error|config|fail)|local (?:error|configuration|delivery fail)"
        r"|resources? (?:temporarily|unavailable)|service (?:un|not )available"
        r"|internal (?:error|server)|config(?:uration)? error|out of memory|i/o error"
        r"|input/output|unexpected|aliasing|includes? itself|transport\b"
        r"|could not (?:open|write|lock)|can't (?:create|open)|remote protocol error"
        r"|duplicated message"),
)  # fmt: skip
