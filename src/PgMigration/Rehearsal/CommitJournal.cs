using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace PgMigration;

/// <summary>What the app knows by itself, outside every database: each commit that was acknowledged, each error. In memory and in a file.</summary>
public sealed class CommitJournal : IDisposable
{
    private const int TokenShift = 40;

    private readonly DateTime _began = DateTime.UtcNow;
    private readonly long _beganTicks = Stopwatch.GetTimestamp();
    private readonly Lock _lock = new();
    private readonly List<AcknowledgedCommit> _commits = [];
    private readonly List<AppFailure> _failures = [];
    private readonly ConcurrentDictionary<int, long> _lastTokens = new();
    private readonly FileStream? _file;
    private long _reads;

    /// <summary>Begins a journal.</summary>
    /// <param name="file">A file to which each entry is appended as it happens; null to keep it in memory only.</param>
    public CommitJournal(string? file = null) =>
        _file = file is null ? null : new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);

    /// <summary>The time in UTC, by a clock that never goes back.</summary>
    public DateTime Now => _began + Stopwatch.GetElapsedTime(_beganTicks);

    /// <summary>The commits so far, in the order in which their answers came.</summary>
    public IReadOnlyList<AcknowledgedCommit> Commits
    {
        get
        {
            lock (_lock)
            {
                return [.. _commits];
            }
        }
    }

    /// <summary>The errors so far.</summary>
    public IReadOnlyList<AppFailure> Failures
    {
        get
        {
            lock (_lock)
            {
                return [.. _failures];
            }
        }
    }

    /// <summary>How many reads the readers have finished.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>Sees each commit as it is recorded; called on the writer's thread.</summary>
    internal event Action<AcknowledgedCommit>? Recorded;

    /// <summary>A new token for a row of a writer; from now on the row may be in a database.</summary>
    public long NextToken(int writer) => ((long)(writer + 1) << TokenShift) | _lastTokens.AddOrUpdate(writer, 1, (_, last) => last + 1);

    /// <summary>Whether the app has ever tried to write the row.</summary>
    public bool WasGiven(long token) =>
        _lastTokens.TryGetValue((int)(token >> TokenShift) - 1, out long last) && (token & ((1L << TokenShift) - 1)) is > 0 and var number && number <= last;

    /// <summary>Keeps a commit that a server acknowledged.</summary>
    public void Record(AcknowledgedCommit commit)
    {
        var line = new StringBuilder().Append(CultureInfo.InvariantCulture,
            $"commit\t{commit.AcknowledgedAt:O}\t{commit.SentAt:O}\t{commit.Writer}\t{commit.Kind}\t{commit.Port}\t{commit.Timeline}\t");
        foreach (var row in commit.Rows)
        {
            line.Append(CultureInfo.InvariantCulture, $"{row.Table}:{row.Id}:{row.Token} ");
        }

        lock (_lock)
        {
            _commits.Add(commit);
            Append(line);
        }

        Recorded?.Invoke(commit);
    }

    /// <summary>Keeps an error.</summary>
    public void Record(AppFailure failure)
    {
        var line = new StringBuilder().Append(CultureInfo.InvariantCulture,
            $"failure\t{failure.At:O}\t{failure.Writer}\t{(failure.Pooled ? "pooled" : "straight")}\t{failure.SqlState}\t{failure.Message.ReplaceLineEndings(" ")}\t{string.Join(' ', failure.Tokens)}");
        lock (_lock)
        {
            _failures.Add(failure);
            Append(line);
        }
    }

    /// <summary>Counts a read.</summary>
    public void CountRead() => Interlocked.Increment(ref _reads);

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private void Append(StringBuilder line)
    {
        if (_file is { CanWrite: true })
        {
            _file.Write(Encoding.UTF8.GetBytes(line.Append('\n').ToString()));
        }
    }
}
