class Reply:
    name = "reply"
