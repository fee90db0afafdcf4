package api

// ParseLine is the parser of batch lines, for its fuzz test.
var ParseLine = parseLine
