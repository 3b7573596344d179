/** Loaded with `node --import` into the demo's bot: its clock can be set, and its socket to Slack outlives that. */
import { channel } from 'node:diagnostics_channel'
import { onLeap } from './clock.mjs'

// Slack's client measures the time since the last pong by the clock, and would hang up whenever that leaps. So that pong is repeated
// then. A dead socket is still noticed, because no new ones come.
const pongs = channel('undici:websocket:pong')
let last
pongs.subscribe((pong) => {
  last = pong
})
onLeap(() => {
  if (last) pongs.publish(last)
})
