// An S3 service for tests: node s3.js <data directory> <bucket> ...
// Prints its port, and ends when its standard input does: with the test process that started it, however that ends.
const S3rver = require('s3rver');

const [directory, ...buckets] = process.argv.slice(2);
const server = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory,
  vhostBuckets: false,
  configureBuckets: buckets.map((name) => ({ name })),
});
server.run().then(
  ({ port }) => console.log(port),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
