package looktest_test

import (
	"strings"
	"testing"

	"tapshelf/kiosk/web/looktest"
)

// A page with one of each fault. A ruler that finds nothing here measures
// nothing anywhere.
const faulty = `data:text/html,<html lang=en><head><title>x</title><style>
:root{--mm:5px} body{margin:0} main{height:300px;overflow:hidden} .tall{height:700px} button{width:200px;height:200px}
.small{width:20px;height:20px}</style></head><body><div id=screen><main><h1>x</h1>
<button class=small>a</button><img src="data:,"><div class=tall>b</div><p style="width:2000px">wide</p></main></div></body></html>`

func TestTheRulerAndAxeFindWhatIsWrong(t *testing.T) {
	p := looktest.Open(t, 400, 300)
	p.Go(faulty)
	found := strings.Join(p.PanelFaults(), "\n")
	for _, want := range []string{"too small: button", "outside: ", "out of its place: "} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not found in:\n%s", want, found)
		}
	}
	if axe := strings.Join(p.Axe(), "\n"); !strings.Contains(axe, "image-alt") {
		t.Errorf("axe does not miss the picture's text:\n%s", axe)
	}
	if staff := strings.Join(p.StaffFaults(), "\n"); !strings.Contains(staff, "too small: button") {
		t.Errorf("the staff ruler finds:\n%s", staff)
	}
}
