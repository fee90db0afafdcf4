// Package web is what Tapshelf's surfaces share: one way to make a fiber app
// with its limits, one table from errors to statuses, assets under content
// hashes, staff sessions, the rule against forged requests, and event
// streams.
//
// # htmx
//
// htmx 4.0.1 and its hx-sse extension are vendored under static, with their
// hashes in THIRD-PARTY.md and in a test. A page that follows a stream says
//
//	<div hx-sse:connect="/s/front/stream" hx-swap="innerMorph" hx-config='sse.pauseOnBackground:false'>
//
// Unnamed messages are swapped in; named ones ("hb") become DOM events of
// that name on the element. hx-sse does not retry a first connection that
// failed, so a page needs a watchdog of its own.
package web
