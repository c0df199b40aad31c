package website

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/oxlin/oxlin/internal/bank"
)

// browsers are the names of Chromium's program on the PATH.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// turn limits a process to one browser at a time, because a browser needs more memory
// than all our other work.
var turn = make(chan struct{}, 1)

// renderTimeout limits the rendering of a page, including the browser's start.
const renderTimeout = 20 * time.Second

// findBrowser returns the program to run.
func findBrowser(configured string) (string, error) {
	names := browsers
	if configured != "" {
		names = []string{configured}
	}
	for _, name := range names {
		program, err := exec.LookPath(name)
		if err == nil {
			return program, nil
		}
	}
	return "", &bank.Failure{
		Kind: bank.Unavailable, BankCode: "no browser",
		Err: errors.New("a page of this bank is drawn by scripts, and there is no Chromium to draw it: install one"),
	}
}

// startBrowser starts a browser with an empty profile, and returns its only tab. The
// browser has no network: its requests are answered by the listener of the tab, or not
// at all. end kills the browser and removes its files; it also ends with ctx.
func startBrowser(ctx context.Context, program string) (tab context.Context, end func(), err error) {
	home, err := os.MkdirTemp("", "oxlin-browser-")
	if err != nil {
		return nil, nil, &bank.Failure{Kind: bank.Unavailable, BankCode: "browser did not start", Err: err}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.UserAgent(agent),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-popup-blocking", false),
		// Everything except a page's own requests, such as a socket or another window,
		// can neither resolve a name nor connect, not even to loopback.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"),
		chromedp.Flag("proxy-server", "127.0.0.1:1"),
		chromedp.Flag("proxy-bypass-list", "<-loopback>"),
		chromedp.Flag("force-webrtc-ip-handling-policy", "disable_non_proxied_udp"),
		// Our environment holds secrets of the platform. Pages show dates in French
		// time.
		chromedp.NoInheritEnv,
		chromedp.Env("PATH="+os.Getenv("PATH"), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, "config"),
			"XDG_CACHE_HOME="+filepath.Join(home, "cache"), "TMPDIR="+home, "LANG=C.UTF-8", "TZ=Europe/Paris"),
	)
	allocator, killed := chromedp.NewExecAllocator(ctx, options...)
	silent := func(string, ...any) {} // the log would quote pages
	first, closed := chromedp.NewContext(allocator, chromedp.WithLogf(silent), chromedp.WithErrorf(silent), chromedp.WithDebugf(silent))
	end = func() {
		closed()
		killed()
		os.RemoveAll(home)
	}
	err = chromedp.Do(first)
	if err == nil {
		// Cookies and storage of every context except the first stay in memory: if we
		// are killed and the profile is left behind, it holds no data of the user.
		tab, _ = chromedp.NewContext(first, chromedp.WithNewBrowserContext()) // ends with first
		err = chromedp.Do(tab)
	}
	if err != nil {
		end()
		return nil, nil, &bank.Failure{Kind: bank.Unavailable, BankCode: "browser did not start", Err: err}
	}
	return tab, end, nil
}
