using System.Diagnostics;

namespace PgMigration.Faults;

/// <summary>A session's process as the harness sees it.</summary>
internal sealed class SessionProcess : IDisposable
{
    private readonly Process _process;
    private readonly Action<string> _log;
    private readonly Dictionary<string, TaskCompletionSource> _awaited = new(StringComparer.Ordinal);
    private readonly List<string> _lines = [];
    private readonly Task _reading;

    private SessionProcess(Process process, Action<string> log)
    {
        _process = process;
        _log = log;
        _reading = ReadAsync();
    }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it said.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_awaited)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>The error's id that it ended with; null when it ended well, or was killed.</summary>
    public string? ErrorId => Lines.LastOrDefault(line => line.StartsWith("ERROR ", StringComparison.Ordinal))?.Split(' ')[1];

    /// <summary>Starts one.</summary>
    public static SessionProcess Start(string setup, string verb, string journal, string? waitAt, string? sabotage, Action<string> log)
    {
        var start = new ProcessStartInfo("env", ["--default-signal=INT,QUIT", "dotnet", typeof(SessionProcess).Assembly.Location, "session", setup, verb, journal, waitAt ?? "-", sabotage ?? "-"])
        {
            RedirectStandardOutput = true, RedirectStandardInput = true, RedirectStandardError = true,
        };
        log($"session: {verb}");
        return new SessionProcess(Process.Start(start)!, log);
    }

    /// <summary>Waits until it is at a point; false when it ended before.</summary>
    public async Task<bool> ReachAsync(string point, TimeSpan limit)
    {
        Task reached;
        lock (_awaited)
        {
            if (_lines.Contains($"AT {point}"))
            {
                return true;
            }

            if (!_awaited.TryGetValue(point, out var source))
            {
                _awaited[point] = source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            reached = source.Task;
        }

        await Task.WhenAny(reached, _reading, Task.Delay(limit));
        return reached.IsCompletedSuccessfully;
    }

    /// <summary>Lets it go on from the point where it waits.</summary>
    public void GoOn()
    {
        try
        {
            _process.StandardInput.WriteLine("go");
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // it was killed there
        }
    }

    /// <summary>Waits for its end; kills it after the limit, and returns false then.</summary>
    public async Task<bool> EndAsync(TimeSpan limit)
    {
        bool inTime = true;
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            inTime = false;
            Signals.Send(Id, Signals.Kill);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        await _reading;
        _log($"session: ended with {_process.ExitCode}{(inTime ? string.Empty : ", killed since it hung")}");
        return inTime;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Signals.Send(Id, Signals.Kill);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        var errors = _process.StandardError.ReadToEndAsync();
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            _log($"  {line}");
            lock (_awaited)
            {
                _lines.Add(line);
                if (line.StartsWith("AT ", StringComparison.Ordinal) && _awaited.TryGetValue(line[3..], out var awaited))
                {
                    awaited.TrySetResult();
                }
            }
        }

        if (await errors is { Length: > 0 } said)
        {
            _log($"  session's errors: {said.Trim()}");
            lock (_awaited)
            {
                _lines.Add($"CRASHED {said.Trim()}");
            }
        }
    }
}
