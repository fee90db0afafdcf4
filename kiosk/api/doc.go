// Package api is how central systems stay in step: they send patrons, titles,
// items and tags in batches, follow the feed of changes, and read and make
// loans.
//
// openapi.yaml beside this file is the document that integrators read; tests
// hold every route and every answer to it. Errors are problem details
// (RFC 9457) with the reasons' codes, in the rules' order, and their words in
// the language that Accept-Language asks for.
package api
