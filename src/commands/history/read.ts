/** The part of the audit that a person can see: what is theirs, and the rest by the rule verb `history`. */
import { type Asker, createDecider } from '../../access/rules.js'
import { operationOf } from '../../providers/provider.js'
import { type AuditPlace, type AuditRow, readAudit } from '../../store/audit.js'
import { accessDenied, knownSource } from '../authorize.js'
import type { Services } from '../services.js'
import type { HistoryFilter } from './filter.js'

const BATCH = 250
/** How many rows one request reads at most. To see older ones, people narrow the search. */
const MAX_ROWS = 5_000

/** Rows in the order in which they are shown, and whether there are more than were looked at. */
export interface Found {
  rows: AuditRow[]
  isCutOff: boolean
}

/**
 * Reads the newest rows that fit and that this person can see.
 *
 * @param until milliseconds since 1970; later rows are left out, so that pages don't shift.
 * @param wanted how many rows at most.
 * @throws UserError when they ask for somebody else's and can see nobody else's.
 */
export async function readHistory(
  services: Services,
  asker: Asker,
  filter: HistoryFilter,
  { until, wanted }: { until: number; wanted: number },
): Promise<Found> {
  const mine = [asker.id, ...(asker.otherIds ?? [])]
  const { person, ...others } = filter
  const isMine = person !== undefined && mine.includes(person)
  const canSee = createViewer(services, asker, mine)
  if (person !== undefined && !isMine && !canSee.others)
    throw accessDenied(services, asker, "see other people's history")
  const people = person === undefined ? undefined : isMine ? mine : [person]
  const wantedRows = { ...others, until, person: people, ownedBy: canSee.others ? undefined : mine }
  const rows: AuditRow[] = []
  let after: AuditPlace | null = null
  for (let read = 0; read < MAX_ROWS; read += BATCH) {
    const batch: AuditRow[] = await readAudit(services.db, wantedRows, after, BATCH)
    rows.push(...batch.filter(canSee.row))
    after = batch.at(-1) ?? null
    if (batch.length < BATCH || after === null) return { rows: rows.slice(0, wanted), isCutOff: false }
    if (rows.length >= wanted) return { rows: rows.slice(0, wanted), isCutOff: false }
  }
  return { rows, isCutOff: true }
}

/** Decides on one row after another, preparing each connection's rules once. */
function createViewer({ access, connections }: Services, asker: Asker, mine: readonly string[]) {
  const deciders = new Map<string, ReturnType<typeof createDecider>>()
  const deciderOf = (connection: string) => {
    const decide = deciders.get(connection) ?? createDecider(access.rules, asker, connection)
    deciders.set(connection, decide)
    return decide
  }
  const isOwn = (id: string | null) => id !== null && mine.includes(id)
  return {
    /** Whether they can see anything that isn't theirs. */
    others: ['', ...connections.keys()].some((name) => deciderOf(name)({ what: 'history' }).isAllowed),
    row(row: AuditRow): boolean {
      if (isOwn(row.actor) || isOwn(row.requester)) return true
      const connection = row.connection ?? ''
      const operation = operationOf(connections.get(connection)?.provider, row.operation ?? '')
      const source = row.source === null ? null : knownSource(operation, row.source)
      return deciderOf(connection)({ what: 'history', target: row.target ?? '', source }).isAllowed
    },
  }
}
