package daemon

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Unit is the service manager's side of this process, as sd_notify(3) of
// systemd describes it. A nil Unit is nobody.
type Unit struct {
	addr *net.UnixAddr
	// Watchdog is within which time Alive must be called; 0: it need not.
	Watchdog time.Duration

	status string
}

// NewUnit finds the service manager that started this process; nil: none did,
// or it wants to hear nothing. The variables are taken away, so that programs
// that this one starts do not speak for it.
func NewUnit() *Unit {
	name := os.Getenv("NOTIFY_SOCKET")
	watchdog, pid := os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")
	for _, v := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		_ = os.Unsetenv(v) // there is no harm in one that stays
	}
	if name == "" || name[0] != '/' && name[0] != '@' { // other families are for virtual machines
		return nil
	}
	u := &Unit{addr: &net.UnixAddr{Name: name, Net: "unixgram"}} // package net takes '@' for the abstract
	usec, err := strconv.ParseInt(watchdog, 10, 64)
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		u.Watchdog = time.Duration(usec) * time.Microsecond
	}
	return u
}

// tell sends lines. That nobody hears them is no reason to stop working.
func (u *Unit) tell(lines ...string) {
	if u == nil {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, u.addr)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte(strings.Join(lines, "\n")))
}

// Ready says that the service does its work.
func (u *Unit) Ready() { u.tell("READY=1") }

// Reloading says that the configuration is being read again; Ready ends it.
func (u *Unit) Reloading() {
	if usec, ok := monotonic(); ok {
		u.tell("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", usec))
	}
}

// Stopping says that the end has begun.
func (u *Unit) Stopping() { u.tell("STOPPING=1") }

// Alive says that the service is not stuck.
func (u *Unit) Alive() {
	if u != nil && u.Watchdog > 0 {
		u.tell("WATCHDOG=1")
	}
}

// Extend asks for more time for what is under way: the start or the end.
func (u *Unit) Extend(d time.Duration) {
	u.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds()))
}

// Status says in one line what the service is doing.
func (u *Unit) Status(line string) {
	if u == nil || line == u.status {
		return
	}
	u.status = line
	u.tell("STATUS=" + strings.ReplaceAll(line, "\n", " "))
}
