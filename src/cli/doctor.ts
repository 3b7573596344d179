/** `dolly doctor`: tries everything once, and prints what works. */
import { groupsOf } from '../access/rules.js'
import { connect } from '../connections.js'
import { diagnose } from '../doctor.js'
import { createLog, slackLogger } from '../log.js'
import { checkDatabase } from '../store/check.js'
import { withConfiguration } from './configured.js'

export async function run(): Promise<number> {
  return await withConfiguration(async ({ config, redactor }) => {
    const logger = slackLogger(createLog('silent', redactor.redact))
    const connections = [...connect(config, { redactor }).values()]
    const slack = { slack: config.slack, groups: groupsOf(config.access.rules), connections, logger }
    const findings = [...(await checkDatabase(config.database, Date.now)), ...(await diagnose(slack))]
    const lines = [...config.warnings.map((warning) => `Warning: ${warning}`), ...findings.map((one) => one.sentence)]
    process.stdout.write(redactor.redact(lines.map((line) => `${line}\n`).join('')))
    return findings.every(({ isGood }) => isGood) ? 0 : 1
  })
}
