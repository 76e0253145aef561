// A task's whole life in a DMS, by AWS's own JavaScript client: node dms.js <endpoint> <region> <database>, keys in AWS_… variables, the two
// servers' ports in SOURCE_PORT and TARGET_PORT. Before the task is stopped it waits for a line on its standard input. Prints one line of JSON.
const dms = require('@aws-sdk/client-database-migration-service');
const { setTimeout: pause } = require('node:timers/promises');
const { createInterface } = require('node:readline');

const [endpoint, region, database] = process.argv.slice(2);
const client = new dms.DatabaseMigrationServiceClient({ endpoint, region });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function until(look, isSo) {
  for (let i = 0; i < 600; i++) {
    const seen = await look();
    if (isSo(seen)) return seen;
    await pause(100);
  }
  throw new Error('waited too long');
}

async function taskOf(arn) {
  const filters = [{ Name: 'replication-task-arn', Values: [arn] }];
  return (await client.send(new dms.DescribeReplicationTasksCommand({ Filters: filters }))).ReplicationTasks[0];
}

async function endpointOf(type, port) {
  const made = await client.send(new dms.CreateEndpointCommand({
    EndpointIdentifier: `${database}-${type}`,
    EndpointType: type,
    EngineName: 'postgres',
    ServerName: '127.0.0.1',
    Port: Number(port),
    DatabaseName: database,
    Username: 'postgres',
    Password: 'not asked for',
    PostgreSQLSettings: { CaptureDdls: false, HeartbeatEnable: true },
  }));
  return made.Endpoint.EndpointArn;
}

async function main() {
  const faults = [];
  const instance = (await client.send(new dms.CreateReplicationInstanceCommand({
    ReplicationInstanceIdentifier: database,
    ReplicationInstanceClass: 'dms.t3.medium',
  }))).ReplicationInstance;
  const source = await endpointOf('source', process.env.SOURCE_PORT);
  const target = await endpointOf('target', process.env.TARGET_PORT);
  for (const EndpointArn of [source, target]) {
    await client.send(new dms.TestConnectionCommand({ ReplicationInstanceArn: instance.ReplicationInstanceArn, EndpointArn }));
    await dms.waitUntilTestConnectionSucceeds({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { Filters: [{ Name: 'endpoint-arn', Values: [EndpointArn] }] });
  }

  const ReplicationTaskArn = (await client.send(new dms.CreateReplicationTaskCommand({
    ReplicationTaskIdentifier: database,
    SourceEndpointArn: source,
    TargetEndpointArn: target,
    ReplicationInstanceArn: instance.ReplicationInstanceArn,
    MigrationType: 'full-load-and-cdc',
    TableMappings: JSON.stringify({ rules: [{ 'rule-type': 'selection', 'rule-id': '1', 'rule-name': '1', 'object-locator': { 'schema-name': '%', 'table-name': '%' }, 'rule-action': 'include' }] }),
  }))).ReplicationTask.ReplicationTaskArn;
  await until(() => taskOf(ReplicationTaskArn), (task) => task.Status === 'ready');
  await client.send(new dms.StopReplicationTaskCommand({ ReplicationTaskArn })).catch((fault) => faults.push(fault.name));
  await client.send(new dms.StartReplicationTaskCommand({ ReplicationTaskArn, StartReplicationTaskType: 'start-replication' }));
  await client.send(new dms.DeleteReplicationTaskCommand({ ReplicationTaskArn })).catch((fault) => faults.push(fault.name));
  const statistics = async () => (await client.send(new dms.DescribeTableStatisticsCommand({ ReplicationTaskArn }))).TableStatistics;
  const loaded = await until(statistics, (tables) => tables.length > 0 && tables.every((table) => table.TableState === 'Table completed'));
  console.log('LOADED');
  await lines.next();
  await client.send(new dms.StopReplicationTaskCommand({ ReplicationTaskArn }));
  const stopped = await until(() => taskOf(ReplicationTaskArn), (task) => task.Status === 'stopped');
  const tables = await statistics();
  await client.send(new dms.DeleteReplicationTaskCommand({ ReplicationTaskArn }));
  await dms.waitUntilReplicationTaskDeleted({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { Filters: [{ Name: 'replication-task-arn', Values: [ReplicationTaskArn] }] });
  for (const EndpointArn of [source, target]) await client.send(new dms.DeleteEndpointCommand({ EndpointArn }));
  await client.send(new dms.DeleteReplicationInstanceCommand({ ReplicationInstanceArn: instance.ReplicationInstanceArn }));
  console.log(JSON.stringify({ rows: loaded[0].FullLoadRows, inserts: tables[0].AppliedInserts, reason: stopped.StopReason, started: stopped.ReplicationTaskStartDate instanceof Date, faults }));
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
