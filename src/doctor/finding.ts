/** What a check found out. */
export interface Finding {
  /** What was checked, such as `database` or `connection hoody-prod`: the same at every call, for scripts. */
  check: string
  result: Result
  /** For the operator. May hold texts from elsewhere: redact it before it's printed. */
  sentence: string
}

/** A warning is about what works but may not be what was meant, or not for long. */
export type Result = 'ok' | 'warning' | 'failed'
