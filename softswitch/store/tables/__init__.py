"""The tables, one file a family. The columns carry the names of CarrierX's attributes; what is ours says so."""
