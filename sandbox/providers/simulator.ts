/** What every simulated provider offers: a real HTTP server, switches for its faults, and a record of its writes. */

/** A fault, or another behaviour, that people switch on in the demo and tests in code. */
export interface SwitchState {
  id: string
  /** What people read beside the switch: "Lose the answer to the next write". */
  label: string
  /** Affects one request and then switches itself off; otherwise it stays on until it is switched off. */
  once: boolean
  on: boolean
}

/** One write as the provider saw it, even if the client never got the answer. */
export interface Write {
  method: string
  path: string
  body: unknown
  /** HTTP status of the answer, even if the answer was lost. */
  status: number
}

export interface Simulator {
  id: string
  name: string
  /** The keys of its connection in dolly.yml, without `provider`. */
  connection: Readonly<Record<string, string>>
  /** Number of requests received so far, reads and writes. */
  requests(): number
  writes(): readonly Write[]
  switches(): readonly SwitchState[]
  setSwitch(id: string, on: boolean): void
  /** What exists at the provider, for the demo's side panel. */
  table(): { columns: readonly string[]; rows: readonly (readonly string[])[] }
  /** Calls the listener after every change of state. */
  onChange(listener: () => void): void
  close(): Promise<void>
}
