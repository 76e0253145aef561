using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Works off the parts of a backup: several at once, the largest first, so that no large one is left alone at the end.</summary>
[SupportedOSPlatform("linux")]
internal static class PartQueue
{
    /// <summary>Runs as many workers, each with a thread of its own since decoders block; the first failure ends the others.</summary>
    /// <param name="parts">The parts.</param>
    /// <param name="parallelism">How many at once.</param>
    /// <param name="verifier">Looks at the pages that are written.</param>
    /// <param name="extract">Does one.</param>
    /// <param name="failure">Is cancelled at the first failure.</param>
    public static async Task RunAsync(IEnumerable<ArchiveObject> parts, int parallelism, PageVerifier? verifier, Action<ArchiveObject, FileWriter> extract, CancellationTokenSource failure)
    {
        var queue = new ConcurrentQueue<ArchiveObject>(parts.OrderByDescending(part => part.Length));
        Exception? first = null;
        int workers = Math.Max(1, Math.Min(parallelism, queue.Count));
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        void Work()
        {
            try
            {
                using var writer = new FileWriter(verifier);
                while (queue.TryDequeue(out var part))
                {
                    failure.Token.ThrowIfCancellationRequested();
                    extract(part, writer);
                }
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref first, error, null);
                failure.Cancel();
            }
        }
    }
}
