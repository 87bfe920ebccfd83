// Package modulestest is the behaviour that every module must show, as a test:
//
//	func TestPricesBehaveAsAModule(t *testing.T) {
//		modulestest.Run(t, newPrices, modulestest.Options{
//			Message: func(i int) transport.Message {
//				return transport.Message{Kind: transport.Text, Payload: fmt.Appendf(nil, `{"type":"price","n":%d}`, i)}
//			},
//		})
//	}
//
// It runs the module below a real client and a real server, joined in memory, in
// virtual time, and looks whether it
//
//   - gets its messages, each once and in order;
//   - is told of its life in order, each stage at most once for each connection;
//   - comes back after a panic with a new Handler, behind the message at fault;
//   - keeps within its queue when it does not keep up, by every overflow policy, and
//     leaves the module beside it alone;
//   - neither changes nor keeps a payload;
//   - ends in time, also under load, and leaves nothing: no actor, no goroutine, every
//     start with its OnStop.
//
// The panics and the slowness are put in front of the module, so nothing needs to be
// prepared in it.
package modulestest
