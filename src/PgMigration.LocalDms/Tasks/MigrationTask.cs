namespace PgMigration.LocalDms;

/// <summary>A task through its life: made, started, stopped, changed, removed. Its run goes on beside the operations.</summary>
internal sealed class MigrationTask : ITaskKeeper, IDisposable
{
    private static readonly TimeSpan SaveInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RemovalLimit = TimeSpan.FromSeconds(60);

    private readonly Resources _resources;
    private readonly StateFolder _folder;
    private readonly Lock _file = new();
    private readonly ReloadRequests _reloads = new();
    private CancellationTokenSource? _stop;
    private Task _work = Task.CompletedTask;
    private volatile bool _isDirty;

    /// <summary>A task of this record.</summary>
    public MigrationTask(TaskRecord record, Resources resources, StateFolder folder)
    {
        Record = record;
        _resources = resources;
        _folder = folder;
    }

    /// <summary>What is on disk of it.</summary>
    public TaskRecord Record { get; }

    /// <summary>Whether it moves rows, or is about to or about to stop.</summary>
    public bool IsBusy => Record.Status is TaskStatus.Starting or TaskStatus.Running or TaskStatus.Stopping;

    private string FileName => $"tasks/{Record.Key}.json";

    /// <summary>Goes on with what an earlier process was at when it ended, as a task does whose instance was restarted.</summary>
    public void TakeUp()
    {
        switch (Record.Status)
        {
            case TaskStatus.Starting or TaskStatus.Running:
                Log("The local DMS was started again, and the task goes on.");
                Begin();
                break;
            case TaskStatus.Stopping:
                Finish(TaskStatus.Stopped, TaskRun.StoppedNormally, null);
                break;
            case TaskStatus.Deleting:
                Delete();
                break;
            case TaskStatus.Creating or TaskStatus.Modifying or TaskStatus.Testing:
                Record.Status = Record.Started is null ? TaskStatus.Ready : TaskStatus.Stopped;
                Save();
                break;
        }
    }

    /// <summary>It has been made.</summary>
    public void BecomeReady() => Later(() =>
    {
        if (Record.Status == TaskStatus.Creating)
        {
            Record.Status = TaskStatus.Ready;
            Save();
        }
    });

    /// <summary>Starts it.</summary>
    /// <param name="type">start-replication, resume-processing or reload-target.</param>
    /// <exception cref="Fault">The state or the kind of the task forbids it.</exception>
    public void Start(string type)
    {
        if (Record.Status is not (TaskStatus.Ready or TaskStatus.Stopped or TaskStatus.Failed))
        {
            throw Fault.InvalidState($"Replication Task cannot be started, invalid state: task '{Record.Identifier}' is {Record.Status}.");
        }

        bool isFirst = Record.Started is null;
        switch (type)
        {
            case "start-replication" when isFirst:
                Record.BeginsAnew = true;
                break;
            case "start-replication":
                throw Fault.InvalidCombination("Start Type : START_REPLICATION, valid only for tasks running for the first time");
            case "resume-processing" when isFirst:
                throw Fault.InvalidCombination("Start Type : RESUME_PROCESSING, not valid for tasks running for the first time");
            case "resume-processing":
                break;
            case "reload-target" when Record.Loads && !isFirst:
                Record.BeginsAnew = true;
                break;
            case "reload-target":
                throw Fault.InvalidCombination("Start Type : RELOAD_TARGET, valid only for tasks that load, and not for the first run");
            default:
                throw Fault.InvalidValue($"Invalid start type '{type}'; expected start-replication, resume-processing or reload-target.");
        }

        Record.Status = TaskStatus.Starting;
        Record.StopReason = null;
        Record.LastFailure = null;
        Record.RecoveryCheckpoint = null;
        Record.Stopped = null;
        Record.Started = DateTime.UtcNow;
        if (Record.BeginsAnew)
        {
            Record.FreshlyStarted = Record.Started;
            Record.Tables = [];
        }

        Save();
        Begin();
    }

    /// <summary>Stops it; it can go on later.</summary>
    /// <exception cref="Fault">It does not run.</exception>
    public void Stop()
    {
        if (Record.Status is not (TaskStatus.Running or TaskStatus.Starting))
        {
            throw Fault.InvalidState($"Replication Task cannot be stopped, invalid state: task '{Record.Identifier}' is {Record.Status}.");
        }

        Record.Status = TaskStatus.Stopping;
        Save();
        _stop?.CancelAsync();
    }

    /// <summary>Removes it, with its slot and publications.</summary>
    /// <exception cref="Fault">It runs.</exception>
    public void Delete()
    {
        if (IsBusy || Record.Status is TaskStatus.Modifying or TaskStatus.Creating)
        {
            throw Fault.InvalidState($"Replication Task cannot be deleted, invalid state: task '{Record.Identifier}' is {Record.Status}.");
        }

        Record.Status = TaskStatus.Deleting;
        Save();
        _work = Task.Run(async () =>
        {
            try
            {
                if (Record.Started is not null)
                {
                    using var limit = new CancellationTokenSource(RemovalLimit);
                    await new TaskRun(Context(), _reloads).RemoveAsync(limit.Token);
                }
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                _folder.Log("local-dms.log", $"Task {Record.Identifier} was deleted, but its slot and publications (awsdms_local_{Record.Key}) may be left: {error.Message}");
            }

            lock (_resources.Gate)
            {
                _resources.Remove(this);
                lock (_file)
                {
                    _folder.Remove(FileName);
                }
            }
        });
    }

    /// <summary>Changes it while it does not run.</summary>
    /// <param name="change">The change, which may refuse.</param>
    /// <exception cref="Fault">It runs.</exception>
    public void Modify(Action<TaskRecord> change)
    {
        if (Record.Status is not (TaskStatus.Ready or TaskStatus.Stopped or TaskStatus.Failed))
        {
            throw Fault.InvalidState($"Replication Task cannot be modified, invalid state: task '{Record.Identifier}' is {Record.Status}.");
        }

        change(Record);
        string before = Record.Status;
        Record.Status = TaskStatus.Modifying;
        Save();
        Later(() =>
        {
            Record.Status = before;
            Save();
        });
    }

    /// <summary>Loads tables anew.</summary>
    /// <exception cref="Fault">It does not run, or has no such table.</exception>
    public void Reload(IReadOnlyCollection<TableName> tables)
    {
        if (Record.Status != TaskStatus.Running)
        {
            throw Fault.InvalidState($"Tables can be reloaded only while the task runs: task '{Record.Identifier}' is {Record.Status}.");
        }

        if (Record.MigrationType != "full-load-and-cdc")
        {
            throw Fault.InvalidState($"Tables can be reloaded only by a task of the type full-load-and-cdc; '{Record.Identifier}' is {Record.MigrationType}.");
        }

        foreach (var table in tables)
        {
            if (!Record.Tables.Exists(known => known.Name == table))
            {
                throw Fault.NotFound($"Table {table} not found in task '{Record.Identifier}'.");
            }
        }

        foreach (var table in tables)
        {
            _reloads.Add(table);
        }
    }

    /// <summary>Ends its run as the process ends: the record goes on saying that it runs, and the next process takes it up.</summary>
    public async Task EndAsync()
    {
        await (_stop?.CancelAsync() ?? Task.CompletedTask);
        await _work;
    }

    /// <inheritdoc/>
    public void Dispose() => _stop?.Dispose();

    /// <inheritdoc/>
    public void Changed() => _isDirty = true;

    /// <inheritdoc/>
    public void Save()
    {
        _isDirty = false;
        lock (_file)
        {
            _folder.Write(FileName, Record);
        }
    }

    /// <inheritdoc/>
    public void Log(string line) => _folder.Log($"tasks/{Record.Key}.log", line);

    private TaskContext Context() => new(Record, _resources.Endpoint(Record.SourceArn), _resources.Endpoint(Record.TargetArn), this);

    private void Begin()
    {
        _stop = new CancellationTokenSource();
        var stop = _stop;
        _work = Task.Run(() => RunAsync(stop));
    }

    private async Task RunAsync(CancellationTokenSource stop)
    {
        var saving = SaveWhileRunningAsync(stop.Token);
        string status = TaskStatus.Stopped;
        string? reason = null;
        string? failure = null;
        Lsn? checkpoint = null;
        try
        {
            var run = new TaskRun(Context(), _reloads);
            try
            {
                reason = await run.RunAsync(BecomeRunning, stop.Token);
            }
            catch (Exception error) when (stop.IsCancellationRequested && error is not TaskFailure)
            {
                reason = TaskRun.StoppedNormally; // what is in the middle of something ends in many ways
            }
            catch (TaskFailure ended)
            {
                (status, reason, failure) = (TaskStatus.Failed, Trouble.IsPassing(ended.InnerException ?? ended) ? "Stop Reason RECOVERABLE_ERROR" : "Stop Reason FATAL_ERROR", ended.Message);
            }

            checkpoint = await CheckpointAsync(run);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            (status, reason, failure) = (TaskStatus.Failed, "Stop Reason FATAL_ERROR", error is Fault ? error.Message : $"{error.GetType().Name}: {error.Message}");
            Log(error.ToString());
        }

        await stop.CancelAsync();
        await saving;
        bool isProcessEnding = reason == TaskRun.StoppedNormally && Record.Status != TaskStatus.Stopping;
        if (isProcessEnding)
        {
            Save();
            return;
        }

        Record.RecoveryCheckpoint = checkpoint is { } position ? Checkpoint.Write(position) : Record.RecoveryCheckpoint;
        Finish(status, reason, failure);
    }

    private async Task<Lsn?> CheckpointAsync(TaskRun run)
    {
        if (!Record.MovesChanges)
        {
            return null;
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            return await run.CheckpointAsync(limit.Token);
        }
        catch (Exception error) when (error is Npgsql.NpgsqlException or OperationCanceledException or TimeoutException or System.Net.Sockets.SocketException)
        {
            return null; // the target is not there to be asked; it will be when the task goes on
        }
    }

    private void BecomeRunning()
    {
        lock (_resources.Gate)
        {
            if (Record.Status == TaskStatus.Starting)
            {
                Record.Status = TaskStatus.Running;
                Save();
            }
        }
    }

    private void Finish(string status, string? reason, string? failure)
    {
        lock (_resources.Gate)
        {
            Record.Status = status;
            Record.StopReason = reason;
            Record.LastFailure = failure ?? Record.LastFailure;
            Record.Stopped = DateTime.UtcNow;
            Save();
        }

        Log(failure is null ? $"{status}: {reason}" : $"{status}: {reason}: {failure}");
    }

    private async Task SaveWhileRunningAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(SaveInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(cancel))
            {
                if (_isDirty)
                {
                    Save();
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    // DMS takes its time over these; ours is long enough for a client to see the state on the way
    private void Later(Action then) => _work = Task.Run(async () =>
    {
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        lock (_resources.Gate)
        {
            then();
        }
    });
}
