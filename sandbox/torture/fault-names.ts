/** Faults in words. */
import type { Fault } from './plan.js'

/** As the report names it. */
export function nameOf(fault: Fault): string {
  switch (fault.kind) {
    case 'down':
      return fault.of === 'slack' ? 'Slack: down' : 'provider: down'
    case 'failure':
      return 'provider: a failure of its own'
    case 'dialect':
      return `provider: speaks as ${fault.of} did before (${fault.dialect})`
    case 'silent socket':
      return `Slack: sockets with ${fault.how === 'mute' ? 'nothing any more' : fault.how}`
    case 'locked':
      return `database: locked (SQLITE_BUSY)${fault.forMs > 6_500 ? ' for 6.5 to 20 s' : ''}`
    case 'full disk':
      return `database: disk full (SQLITE_FULL)${fault.from === 'now' ? '' : ` from a ${fault.from} on`}${fault.words && ` for ${fault.words}`}`
    case 'frozen':
      return 'machine: a process frozen'
    case 'clock':
      return `machine: ${clockName(fault)}`
    case 'away':
      return `database: crashed${fault.from === 'now' ? '' : ' in the middle of a write of 50 s'}, away for ${duration(fault.forMs)}`
    case 'cut':
      return `database: ${fault.share} of its connections ended`
    case 'mishap':
      return fault.accident.mishap
  }
}

function clockName({ byMs, forMs }: Fault & { kind: 'clock' }): string {
  if (byMs === 0) return 'clock set right'
  const unit = Math.abs(byMs) < 5 * 60_000 ? 'minutes' : 'up to three hours'
  return `clock ${byMs > 0 ? 'ahead' : 'back'} by ${unit}${forMs === null ? ', and left so' : ' for a while'}`
}

function duration(ms: number): string {
  if (ms === 0) return 'no longer than a start takes'
  return ms < 14_000 ? 'up to six seconds' : '14 s'
}
