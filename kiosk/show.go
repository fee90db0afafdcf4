package kiosk

import (
	"reflect"
	"slices"
	"time"
)

// tick does what is due by now.
func (l *loop) tick(now time.Time) {
	v := &l.visit
	due := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	if due(v.noticeUntil) {
		l.clearNotice()
	}
	for i := range v.rows {
		if r := &v.rows[i]; r.State == RowUndoing && due(r.until) {
			r.stands()
		}
	}
	v.rows = slices.DeleteFunc(v.rows, func(r row) bool { return due(r.until) })
	if l.busy > 0 && l.shown == "" && due(l.began.Add(checkingFor)) {
		var r row
		r.State = RowChecking
		l.put(r)
		l.shown = v.rows[0].ID
	}
	switch {
	case v.stage == NewHere && due(v.leaveAt):
		v.stage, v.leaveAt = Open, time.Time{}
	case v.stage == Leaving && due(v.leaveAt),
		v.stage == Waiting && len(v.rows) == 0 && v.notice == nil && l.busy == 0:
		l.reset()
	case v.stage == Idle && v.ask == nil && l.empty && due(v.lastTouch.Add(showFor)):
		l.touch()
		l.ask()
	case v.open() && due(v.warnUntil) && l.busy == 0:
		l.end("")
	case v.open() && v.warnUntil.IsZero() && due(v.lastTouch.Add(l.cfg.Idle)):
		v.warnUntil = now.Add(l.cfg.Warning)
	case !v.open() && v.stage == Idle && due(v.lastTouch.Add(l.cfg.Idle)) && (v.ask != nil || v.language != l.cfg.Language):
		v.language = l.cfg.Language
		l.reset()
	}
}

// wake is when tick has something to do next; never more than a minute away.
func (l *loop) wake(now time.Time) time.Duration {
	v := &l.visit
	next := now.Add(time.Minute)
	at := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	at(v.noticeUntil)
	at(v.leaveAt)
	at(v.warnUntil)
	for _, r := range v.rows {
		at(r.until)
	}
	if l.busy > 0 && l.shown == "" {
		at(l.began.Add(checkingFor))
	}
	switch {
	case v.open() && v.warnUntil.IsZero(), v.stage == Idle && (v.ask != nil || v.language != l.cfg.Language):
		at(v.lastTouch.Add(l.cfg.Idle))
	case v.stage == Idle && l.empty:
		at(v.lastTouch.Add(showFor))
	case v.stage == Waiting && len(v.rows) == 0 && v.notice == nil && l.busy == 0:
		at(now)
	}
	return max(next.Sub(now), time.Millisecond)
}

// publish shows the screen if it has changed, and sets the timer.
func (l *loop) publish() {
	l.timer.Reset(l.wake(l.cfg.Now()))
	s := l.draw()
	s.Rev = l.rev
	if l.visit.since != 0 && reflect.DeepEqual(s, l.Screen()) {
		return
	}
	l.rev++
	s.Rev = l.rev
	if l.visit.since == 0 {
		l.visit.since = l.rev
	}
	l.show(s)
}

// draw makes the screen of the present visit.
func (l *loop) draw() Screen {
	v := &l.visit
	s := Screen{
		Station: l.cfg.Station.Name, Stage: v.stage, Language: v.language, Standing: v.standing, Notice: v.notice, Ask: v.ask,
		Borrowed: len(v.loans), Returned: v.returns, Empty: l.empty, ReadersDown: l.down, NotLent: v.notLent,
	}
	if v.patron != nil {
		s.Given = v.patron.GivenName
	}
	if v.open() {
		s.Loans, s.Overdue = v.had+len(v.loans)-v.mine, v.late
	}
	if !v.warnUntil.IsZero() {
		until := v.warnUntil
		s.WarnUntil = &until
	}
	for _, r := range v.rows {
		s.Rows = append(s.Rows, r.Row)
	}
	return s
}
