"""Where calls end: one file or folder for each type of endpoint. They do not know each other."""
