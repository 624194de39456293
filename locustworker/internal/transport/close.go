package transport

import (
	"io"
	"net"
	"time"
)

// Close ends the connection in good order and blocks for at most 2 s: what was
// sent is still delivered, and the peer has been seen to close its end. If the
// peer does neither in time, or the link is lost already, the connection is reset
// as by Abort. Frames that have not been received are dropped.
//
// Calls of Send and Recv return; one of Send that was blocked may have sent a part
// of its frame, which the peer drops. Close and Abort may be called again and
// do nothing then. The error is always nil.
func (c *Conn) Close() error {
	lost := c.down() != nil
	c.leave()
	c.closing.Do(func() {
		if lost || !c.drain() {
			c.reset()
		}
		c.release()
	})
	return nil
}

// Abort resets the connection at once: what the peer's TCP has not acknowledged is
// thrown away and never sent again. Only bytes that are under way in the network
// at this moment may still arrive, and the peer's program read them, without
// anybody here ever knowing. It ends a Close that is waiting.
// The error is always nil.
func (c *Conn) Abort() error {
	c.leave()
	c.abort.Do(func() {
		close(c.aborted)
		_ = c.nc.SetReadDeadline(longAgo())
	})
	c.closing.Do(func() {
		c.reset()
		c.release()
	})
	return nil
}

// leave ends Send and Recv.
func (c *Conn) leave() {
	_ = c.lose(ErrClosed, longAgo())
	c.deaf.Store(true)
}

// drain shuts down the sending side and reads until the peer has closed its own;
// it reports whether that happened in time.
func (c *Conn) drain() bool {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok {
		return false
	}
	// Each lock waits for a call that leave has woken; no other will begin.
	c.wmu.Lock()
	err := half.CloseWrite()
	c.wmu.Unlock()
	if err != nil {
		return false
	}
	c.rmu.Lock()
	err = c.nc.SetReadDeadline(time.Now().Add(c.linger))
	c.rmu.Unlock()
	if err != nil {
		return false
	}
	select {
	case <-c.aborted: // before the deadline was set: it had no effect then
		return false
	default:
	}
	_, err = io.Copy(io.Discard, c.nc)
	return err == nil
}

// release closes the TCP connection; Acked keeps what it has come to.
func (c *Conn) release() {
	_, _ = c.Acked()
	_ = c.nc.Close()
}

// reset makes the closing of the TCP connection send RST.
func (c *Conn) reset() {
	if tcp, ok := c.nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
