/** Loaded with `node --import` into the demo's bot: its clock can be set, and its socket to Slack outlives that. */
import './clock.mjs'
import { SlackWebSocket } from '@slack/socket-mode/dist/src/SlackWebSocket.js'

// It asks the clock how long Slack has been silent, and would hang up at each leap. Slack's own pings still show a dead socket.
SlackWebSocket.prototype.monitorPingToSlack = () => {}
