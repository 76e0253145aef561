using System.Collections.Concurrent;
using Npgsql;

namespace PgMigration.Dms.Tests;

/// <summary>An app whose writers insert and change rows all the time, each waiting while it is paused; it remembers what was acknowledged.</summary>
internal sealed class WritingApp : MigrationApp, IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Task[] _writers;
    private PgServer _server;
    private bool _paused;

    public WritingApp(PgServer server, int writers = 2)
    {
        _server = server;
        _writers = [.. Enumerable.Range(0, writers).Select(_ => Task.Run(WriteAsync))];
    }

    public override string Kind => "Test";

    public ConcurrentBag<long> Acknowledged { get; } = [];

    public ConcurrentBag<string> Errors { get; } = [];

    public PgServer Server => _server;

    public override Task<PgServer?> FindLoginAsync(CancellationToken cancel = default) => Task.FromResult<PgServer?>(_server);

    public override Task CheckAsync(PgServer source, CancellationToken cancel = default) => Task.CompletedTask;

    public override async Task PauseAsync(CancellationToken cancel = default)
    {
        if (!_paused)
        {
            // taken by each writer for a transaction, so none is open now
            await _gate.WaitAsync(cancel);
            _paused = true;
        }
    }

    public override Task RepointAsync(PgServer server, CancellationToken cancel = default)
    {
        _server = server;
        return Task.CompletedTask;
    }

    public override Task ResumeAsync(CancellationToken cancel = default)
    {
        if (_paused)
        {
            _paused = false;
            _gate.Release();
        }

        return Task.CompletedTask;
    }

    /// <summary>Waits for so many more acknowledged rows.</summary>
    public async Task MoreAsync(int rows)
    {
        int goal = Acknowledged.Count + rows;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (Acknowledged.Count < goal)
        {
            Assert.Empty(Errors);
            await Task.Delay(10, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await ResumeAsync();
        await Task.WhenAll(_writers);
        _stop.Dispose();
        _gate.Dispose();
    }

    private async Task WriteAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await _gate.WaitAsync(CancellationToken.None);
            try
            {
                await using var session = await _server.ConnectAsync();
                await using var insert = new NpgsqlCommand("INSERT INTO orders (customer, total) VALUES (1, 1) RETURNING id", session);
                long id = (long)(await insert.ExecuteScalarAsync())!;
                Acknowledged.Add(id);
                await using var update = new NpgsqlCommand($"UPDATE customers SET name = 'order {id}' WHERE id = 1", session);
                await update.ExecuteNonQueryAsync();
            }
            catch (Exception error) when (error is NpgsqlException or MigrationException)
            {
                Errors.Add(error.Message);
                await Task.Delay(50);
            }
            finally
            {
                _gate.Release();
            }
        }
    }
}
