// Command integrator is a small application that connects its users' bank accounts with
// Oxlin's widget. Read it to learn how that is done; nothing in it is needed for
// anything else. Start a sandbox in one shell, and this in another:
//
//	bin/oxlin serve --sandbox
//	go run ./examples/integrator -platform http://127.0.0.1:8080
//
// Then open http://127.0.0.1:8090. At the test bank the login is "dev", the password
// "dev", and the code of the SMS 123456.
//
// What an integrator does, and where it stands here:
//
//  1. Its server makes a user at Oxlin, once, and gets a token for them: oxlin.go.
//  2. Its server makes a widget session with the token: oxlin.go. The answer holds
//     links; parameters are added to a link with &name=value: site.go.
//  3. It sends the browser there, and the widget comes back to redirect_url with
//     status, result, connection_id: connectByRedirect and back in site.go.
//  4. Or it shows the widget in a frame of 408x600. Then the widget tells the page
//     with postMessage: frame.js, which checks who is speaking. Banks refuse to be
//     framed, so the bank opens in another tab, and comes back to aspsp_callback_uri,
//     a page that opens the widget again with the same session: connectInFrame.
//  5. Its server reads the accounts: accounts in site.go. What the browser brings is a
//     hint only; what is true is what the API says.
//
// The client's secret and all tokens stay on the server: the browser sees nothing but
// the session's id, which is good for one user and for one hour.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"
)

func main() {
	platform := flag.String("platform", "http://127.0.0.1:8080", "address of Oxlin")
	listen := flag.String("listen", "127.0.0.1:8090", "address of this application; port 0 takes a free one")
	id := flag.String("client-id", "sandbox", "client_id that Oxlin gave us")
	secret := flag.String("client-secret", "sandbox-secret", "and the client_secret; a real one comes from a secret store")
	flag.Parse()

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	fmt.Println("integrator", address)
	ours := &site{address: address, oxlin: oxlin{*platform, *id, *secret}, visitors: map[string]*visitor{}}
	server := http.Server{Handler: ours.handler(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}
