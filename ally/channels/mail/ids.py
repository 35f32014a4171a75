def new_message_id(address): raise RuntimeError
