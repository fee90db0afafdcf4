package kiosk

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"tapshelf/devices"
	"tapshelf/lending"
)

// loop owns the visit. Everything in it runs on one goroutine, but for the
// jobs, which run one after the other on the station's worker and answer
// with a function that the loop calls.
type loop struct {
	*Kiosk
	ctx   context.Context
	jobs  chan func()
	timer *time.Timer

	visit visit
	rev   uint64
	down  bool // a reader needs help
	empty bool
	ids   int
	keys  []string // presses that have acted

	queue []devices.Tap // taps that wait for the one in hand
	todo  []func()      // jobs that wait for the worker
	busy  int           // acts in hand
	began time.Time     // when the first of them began
	shown string        // the "Checking…" row of the act in hand
}

func (l *loop) run() {
	defer l.timer.Stop()
	l.ask()
	for {
		var jobs chan func()
		var job func()
		if len(l.todo) > 0 {
			jobs, job = l.jobs, l.todo[0]
		}
		select {
		case <-l.ctx.Done():
			return
		case t := <-l.taps:
			l.queue = append(l.queue, t)
			l.touch()
			l.next()
		case p := <-l.presses:
			l.press(p)
		case l.down = <-l.readers:
		case f := <-l.results:
			f(l)
		case jobs <- job:
			l.todo = l.todo[1:]
			continue
		case <-l.timer.C:
			l.tick(l.cfg.Now())
		}
		l.publish()
	}
}

// do runs work on the worker and done, with its result, on the loop.
func do[T any](l *loop, work func(context.Context) (T, error), done func(*loop, T, error)) {
	if l.busy == 0 {
		l.began = l.cfg.Now()
	}
	l.busy++
	l.todo = append(l.todo, func() {
		v, err := work(l.ctx)
		send(l.ctx, l.results, func(l *loop) {
			l.busy--
			l.drop(l.shown)
			l.shown = ""
			done(l, v, err)
			if l.busy == 0 && l.visit.ending {
				l.end(l.visit.patron.GivenName)
			}
			l.next()
		})
	})
}

// next takes the next tap in hand, once the one before has been answered.
func (l *loop) next() {
	if l.busy > 0 || len(l.queue) == 0 {
		return
	}
	t := l.queue[0]
	l.queue = l.queue[1:]
	if l.visit.stage == Leaving || l.visit.stage == Idle {
		l.reset()
	}
	l.clearNotice()
	r := lending.IdentifyRequest{
		Op: t.ID, Station: l.cfg.Station.Name, Language: l.visit.language, Presented: presented(t.UID), Visit: l.visit.open(),
	}
	do(l, func(ctx context.Context) (lending.Identity, error) { return l.cfg.Desk.Identify(ctx, r) },
		func(l *loop, id lending.Identity, err error) { l.identified(t, id, err) })
}

func (l *loop) identified(t devices.Tap, id lending.Identity, err error) {
	var refusal *lending.Refusal
	switch {
	case errors.As(err, &refusal):
		l.unknown(t, refusal)
	case err != nil:
		l.failed(t.ID, lending.Thing{}, "identify", err)
	case id.Patron != nil:
		l.visit.unknown = 0
		l.badge(id)
	default:
		l.visit.unknown = 0
		l.item(id.Item, t.ID)
	}
}

// unknown shows why a tag was not taken. Three in a row are for staff.
func (l *loop) unknown(t devices.Tap, f *lending.Refusal) {
	l.cue(devices.CueStop)
	l.visit.notice = &Notice{
		Kind: NoticeRefused, Reasons: lending.MostFixableFirst(f.Reasons), Support: f.Support(), Tail: t.UID.Tail(),
	}
	l.visit.noticeUntil = l.cfg.Now().Add(showFor)
	if l.visit.stage == Idle {
		l.visit.stage = Waiting
	}
	reason := f.Reasons[0].Reason
	if reason != lending.UnknownItem && reason != lending.UnknownBadge {
		return
	}
	if l.visit.unknown++; l.visit.unknown%manyUnknown == 0 {
		finding := lending.Finding{Kind: lending.FindingUnknownTag, Station: l.cfg.Station.Name, Tail: t.UID.Tail()}
		do(l, func(ctx context.Context) (struct{}, error) { return struct{}{}, l.cfg.Desk.Report(ctx, finding) },
			func(l *loop, _ struct{}, err error) {
				if err != nil {
					l.cfg.Log.Error("finding not recorded", "station", l.cfg.Station.Name, "err", err)
				}
			})
	}
}

// badge begins a visit, ends one, or approves what waits for staff.
func (l *loop) badge(id lending.Identity) {
	v := &l.visit
	switch {
	case v.open() && v.patron.ID == id.Patron.ID:
		l.end(v.patron.GivenName)
	case v.open() && id.Staff != "" && len(v.waitsForStaff()) > 0:
		l.cue(devices.CueOK)
		for _, r := range v.waitsForStaff() {
			l.tap(lending.TapRequest{Op: r.tap, Item: r.item, Staff: id.Staff}, r.Thing)
		}
	case v.open():
		l.reset()
		l.welcome(id)
		l.visit.stage, l.visit.leaveAt = NewHere, l.cfg.Now().Add(newHereFor)
		l.cue(devices.CueAttention)
	default:
		l.welcome(id)
	}
}

// welcome opens a visit. Items that waited for a badge are then acted on.
func (l *loop) welcome(id lending.Identity) {
	v := &l.visit
	v.stage, v.patron, v.standing, v.had, v.late = Open, id.Patron, id.Standing, id.Loans, id.Overdue
	if id.Patron.Language != "" {
		v.language = id.Patron.Language
	}
	v.since = 0
	v.leaveAt = time.Time{}
	waiting := slices.DeleteFunc(slices.Clone(v.rows), func(r row) bool { return r.State != RowWaiting })
	v.rows = nil
	l.touch()
	if len(id.Standing) > 0 {
		l.cue(devices.CueAttention)
	} else {
		l.cue(devices.CueOK)
	}
	for _, r := range slices.Backward(waiting) {
		l.item(r.item, r.tap)
	}
}

// item acts on a tap of a known item.
func (l *loop) item(item lending.ItemID, tap string) {
	l.tap(lending.TapRequest{Op: tap, Item: item}, lending.Thing{Item: item})
}

func (l *loop) tap(r lending.TapRequest, thing lending.Thing) {
	v := &l.visit
	r.Station, r.Language = l.cfg.Station.Name, v.language
	r.Again, r.Undo = v.isAgain(r.Item, l.cfg.Now()), v.undoing(r.Item)
	if v.open() {
		r.Patron, r.Visit = v.patron.ID, slices.Clone(v.loans)
	}
	do(l, func(ctx context.Context) (lending.Outcome, error) { return l.cfg.Desk.Tap(ctx, r) },
		func(l *loop, out lending.Outcome, err error) { l.acted(r.Op, r.Patron, thing, out, err) })
}

// acted shows what came of an act for a patron. If the visit has changed
// hands meanwhile, it is not shown to whoever stands here now.
func (l *loop) acted(op string, patron lending.PatronID, thing lending.Thing, out lending.Outcome, err error) {
	if v := &l.visit; patron != "" && (v.patron == nil || v.patron.ID != patron) {
		return
	}
	var refusal *lending.Refusal
	switch {
	case errors.As(err, &refusal):
		l.put(l.visit.refused(refusal, op))
		if refusal.Staff {
			l.cue(devices.CueAttention)
		} else {
			l.cue(devices.CueStop)
		}
	case err != nil:
		l.failed(op, thing, "tap", err)
	default:
		l.put(l.visit.did(out, op, l.cfg.Now()))
		l.cue(cueOf(out.Kind))
	}
}

func cueOf(k lending.OutcomeKind) devices.Cue {
	switch k {
	case lending.Waiting, lending.Shown, lending.JustBorrowed:
		return devices.CueAttention
	default:
		return devices.CueOK
	}
}

// failed says that something could not be decided. Nothing was done.
func (l *loop) failed(op string, thing lending.Thing, what string, err error) {
	if l.ctx.Err() != nil {
		return
	}
	l.cfg.Log.Error("not decided", "station", l.cfg.Station.Name, "op", op, "what", what, "err", err)
	r := row{item: thing.Item, tap: op}
	r.State, r.Thing, r.Actions = RowFailed, thing, []Action{ActDismiss}
	l.put(r)
	l.cue(devices.CueStop)
}

func (l *loop) put(r row) {
	l.ids++
	r.ID = "r" + strconv.Itoa(l.ids)
	switch {
	case r.State == RowWaiting:
		r.until = l.cfg.Now().Add(waitFor)
	case r.State == RowJustBorrowed:
		r.until = l.cfg.Now().Add(againFor)
	case !l.visit.open():
		r.until = l.cfg.Now().Add(showFor)
	}
	if l.visit.stage == Idle || l.visit.stage == Leaving {
		l.visit.stage = Waiting
	}
	l.visit.put(r)
}

func (l *loop) drop(id string) {
	if id != "" {
		l.visit.rows = slices.DeleteFunc(l.visit.rows, func(r row) bool { return r.ID == id })
	}
}

func (l *loop) cue(c devices.Cue) {
	if err := l.cfg.Signal.Give(c); err != nil {
		l.cfg.Log.Warn("signal not given", "station", l.cfg.Station.Name, "err", err)
	}
}

func (l *loop) clearNotice() { l.visit.notice, l.visit.noticeUntil = nil, time.Time{} }

// touch is any sign of life: it takes the warning back.
func (l *loop) touch() { l.visit.lastTouch, l.visit.warnUntil = l.cfg.Now(), time.Time{} }

// reset makes the counter nobody's. What stood on it is forgotten.
func (l *loop) reset() {
	unknown, language := l.visit.unknown, l.visit.language
	if language == "" || l.visit.patron != nil {
		language = l.cfg.Language
	}
	l.visit = visit{stage: Idle, language: language, unknown: unknown}
	l.touch()
}

// end closes a visit and shows what was done. given is empty when the
// patron seems to have left.
func (l *loop) end(given string) {
	v := &l.visit
	var notLent []lending.Thing
	for _, r := range v.waitsForStaff() {
		notLent = append(notLent, r.Thing)
	}
	goodbye := visit{
		stage: Leaving, language: v.language, loans: v.loans, returns: v.returns, notLent: notLent,
		leaveAt: l.cfg.Now().Add(leaveFor),
	}
	if given != "" {
		goodbye.patron = &lending.Patron{GivenName: given}
	}
	l.visit = goodbye
	if len(notLent) > 0 {
		l.cue(devices.CueAttention)
	} else {
		l.cue(devices.CueOK)
	}
	l.ask()
}

// ask finds out whether there is anything to lend.
func (l *loop) ask() {
	if l.cfg.HasItems == nil {
		return
	}
	l.todo = append(l.todo, func() {
		has, err := l.cfg.HasItems(l.ctx)
		send(l.ctx, l.results, func(l *loop) { l.empty = err == nil && !has })
	})
}
