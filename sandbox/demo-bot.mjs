/** Loaded with `node --import` into the demo's bot: its clock can be set, and its socket to Slack outlives that. */
import { channel } from 'node:diagnostics_channel'
import { onLeap } from './clock.mjs'

// Slack's client asks the clock how long ago the last pong came, and would hang up at each leap. So that pong comes once more then;
// a dead socket still shows.
const pongs = channel('undici:websocket:pong')
let last
pongs.subscribe((pong) => {
  last = pong
})
onLeap(() => {
  if (last) pongs.publish(last)
})
