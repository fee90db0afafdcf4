package kiosk

import (
	"context"
	"slices"
	"time"

	"tapshelf/devices"
	"tapshelf/lending"
)

// press acts on a touch. The same key acts once; a button of a screen that
// has passed is refused politely.
func (l *loop) press(p Press) {
	if p.Key == "" || slices.Contains(l.keys, p.Key) {
		return
	}
	l.keys = append(l.keys, p.Key)
	if len(l.keys) > keysKept {
		l.keys = slices.Delete(l.keys, 0, 1)
	}
	l.touch()
	l.clearNotice()
	if p.Rev < l.visit.since {
		l.stale()
		return
	}
	switch p.Action {
	case ActKeep:
	case ActDone:
		l.done()
	case ActHelp:
		l.visit.ask = &Ask{Kind: AskHelp}
	case ActBack:
		l.visit.ask = nil
	case ActLanguage:
		if slices.Contains(lending.Languages(), p.Value) {
			l.visit.language = p.Value
		}
	default:
		l.pressRow(p)
	}
}

func (l *loop) done() {
	switch {
	case l.visit.open() && l.busy > 0:
		l.visit.ending = true
	case l.visit.open():
		l.end(l.visit.patron.GivenName)
	default:
		l.reset()
	}
}

func (l *loop) stale() {
	l.visit.notice = &Notice{Kind: NoticeStale}
	l.visit.noticeUntil = l.cfg.Now().Add(showFor)
}

func (l *loop) pressRow(p Press) {
	r := l.visit.row(p.Row)
	if r == nil || !slices.Contains(r.Actions, p.Action) {
		l.stale()
		return
	}
	switch p.Action {
	case ActDismiss:
		if r.State == RowUndoing {
			r.stands()
			return
		}
		l.drop(r.ID)
	case ActUndo, ActReturn:
		l.undo(r, p.Key)
	case ActReturnFor:
		l.returnFor(*r, p.Key)
	}
}

// undo asks for the item of a loan, so that Undo is never a free laptop; a
// return is undone at once.
func (l *loop) undo(r *row, key string) {
	if r.State != RowReturned {
		r.State, r.Actions, r.until = RowUndoing, []Action{ActDismiss}, l.cfg.Now().Add(waitFor)
		l.cue(devices.CueAttention)
		return
	}
	request := lending.UndoRequest{
		Op: l.op(key), Station: l.cfg.Station.Name, Fact: r.fact, Item: r.item, Patron: l.visit.patron.ID,
	}
	thing := r.Thing
	do(l, func(ctx context.Context) (lending.Outcome, error) { return l.cfg.Desk.Undo(ctx, request) },
		func(l *loop, out lending.Outcome, err error) {
			l.acted(request.Op, request.Patron, thing, out, err)
		})
}

// stands takes a row out of Undo: the loan stands, and may be undone later.
func (r *row) stands() { r.State, r.Actions, r.until = RowLent, []Action{ActUndo}, time.Time{} }

// returnFor takes an item back for whoever has it on loan.
func (l *loop) returnFor(r row, key string) {
	request := lending.ReturnRequest{Op: l.op(key), Station: l.cfg.Station.Name, Item: r.item}
	if l.visit.open() {
		request.Patron = l.visit.patron.ID
	}
	do(l, func(ctx context.Context) (lending.Outcome, error) { return l.cfg.Desk.Return(ctx, request) },
		func(l *loop, out lending.Outcome, err error) { l.acted(request.Op, request.Patron, r.Thing, out, err) })
}

// op names an act by the press that caused it.
func (l *loop) op(key string) string { return l.cfg.Station.Name + "/" + l.cfg.Boot + "/press/" + key }
