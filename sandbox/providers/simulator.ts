/** What every simulated provider offers: a real HTTP server with a state, switches for its faults, and honest books. */

/** A fault or a mood that can be switched on, in the demo by hand and in tests by code. */
export interface SwitchState {
  id: string
  /** What a person reads beside the switch: "Lose the answer to the next write". */
  label: string
  /** A mood stays on until switched off; a fault for the next request switches itself off when it was used. */
  once: boolean
  on: boolean
}

/** One write as the provider saw it, whether or not the client ever got the answer. */
export interface Write {
  method: string
  path: string
  body: unknown
  /** HTTP status of the answer, also of one that was then lost. */
  status: number
}

export interface Simulator {
  id: string
  name: string
  /** What a connection in dolly.yml says to reach it, all keys but `provider`. */
  connection: Readonly<Record<string, string>>
  /** Number of requests received so far, reads and writes. */
  requests(): number
  writes(): readonly Write[]
  switches(): readonly SwitchState[]
  setSwitch(id: string, on: boolean): void
  /** The provider's own list of what exists, for the demo's side panel. */
  table(): { columns: readonly string[]; rows: readonly (readonly string[])[] }
  /** Called after every change of state. */
  onChange(listener: () => void): void
  close(): Promise<void>
}
