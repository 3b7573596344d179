/** Who did what: rows that are chained by hashes, and the head of that chain. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('actor', 'text')
    .addColumn('requester', 'text')
    .addColumn('job_id', 'text')
    .addColumn('job_version', 'integer')
    .addColumn('connection', 'text')
    .addColumn('operation', 'text')
    .addColumn('source', 'text')
    .addColumn('target', 'text')
    .addColumn('channel', 'text')
    .addColumn('details', 'text')
    .addColumn('request_id', 'text')
    .addColumn('seq', 'integer', (column) => column.unique())
    .addColumn('hash', 'text')
    .execute()
  await db.schema
    .createIndex('audit_unsealed')
    .on('audit')
    .columns(['at', 'job_id', 'job_version', 'id'])
    .where(sql.ref('seq'), 'is', null)
    .execute()
  await db.schema.createIndex('audit_at').on('audit').columns(['at', 'id']).execute()
  await db.schema.createIndex('audit_of_job').on('audit').columns(['job_id', 'at']).execute()

  // For deleting what ended long ago.
  await db.schema
    .createIndex('jobs_ended')
    .on('jobs')
    .column('ended_at')
    .where(sql.ref('ended_at'), 'is not', null)
    .execute()

  // The only row says where the chain ends, and where it begins once old rows were deleted.
  await db.schema
    .createTable('audit_head')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('first_seq', 'integer', (column) => column.notNull())
    .addColumn('first_hash', 'text', (column) => column.notNull())
    .execute()
  await sql`insert into audit_head (id, seq, hash, first_seq, first_hash) values (1, 0, '', 1, '')`.execute(db)
}
