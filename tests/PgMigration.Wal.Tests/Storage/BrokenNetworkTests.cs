using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using static PgMigration.Wal.FaultyProxy;

namespace PgMigration.Wal;

[Collection(S3Collection.Name)]
public sealed class BrokenNetworkTests(TestS3 s3)
{
    private static readonly TransferLimits Quick = new()
    {
        IdleLimit = TimeSpan.FromMilliseconds(500), RetryBudget = TimeSpan.FromSeconds(3), FirstContactBudget = TimeSpan.FromSeconds(2), FirstPause = TimeSpan.FromMilliseconds(5),
    };

    private readonly byte[] _bytes = Some.Bytes(2_000_000);

    [Fact]
    public async Task A_body_that_is_cut_is_resumed_where_it_broke()
    {
        await using var proxy = await ProxyAsync(Fault.CutAt(700_000), Fault.CutAt(1), Fault.CutAt(0), Fault.CutAt(900_000));
        using var storage = Open(proxy);

        Some.AssertSame(_bytes, await Some.AllAsync(await storage.OpenReadAsync("object")));

        Assert.Equal(5, proxy.Requests.Count);
        Assert.EndsWith("Range: bytes=700000-", proxy.Requests[1], StringComparison.Ordinal);
        Assert.EndsWith("Range: bytes=700001-", proxy.Requests[2], StringComparison.Ordinal);
        Assert.EndsWith("Range: bytes=1600001-", proxy.Requests[4], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_stalls_is_resumed_after_the_idle_limit()
    {
        await using var proxy = await ProxyAsync(Fault.StallAt(300_000), Fault.StallAt(0));
        using var storage = Open(proxy);

        var watch = Stopwatch.StartNew();
        Some.AssertSame(_bytes, await Some.AllAsync(await storage.OpenReadAsync("object")));

        Assert.InRange(watch.Elapsed, 2 * Quick.IdleLimit, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_busy_service_and_one_that_hangs_up_are_asked_again()
    {
        await using var proxy = await ProxyAsync(Fault.Busy, Fault.NoAnswer, Fault.Busy);
        using var storage = Open(proxy);

        Some.AssertSame(_bytes, await Some.AllAsync(await storage.OpenReadAsync("object")));
    }

    [Fact]
    public async Task A_head_that_lies_about_the_length_loses_no_byte_and_adds_none()
    {
        await using var proxy = await ProxyAsync(Fault.LengthOf(300_000), Fault.LengthOf(5_000_000));
        using var storage = Open(proxy);

        Some.AssertSame(_bytes, await Some.AllAsync(await storage.OpenReadAsync("object")));
    }

    [Fact]
    public async Task A_slow_first_byte_is_waited_for_within_the_idle_limit()
    {
        await using var proxy = await ProxyAsync(new Fault { FirstByteAfter = TimeSpan.FromMilliseconds(200) });
        using var storage = Open(proxy, Quick with { IdleLimit = TimeSpan.FromSeconds(20) });

        Some.AssertSame(_bytes, await Some.AllAsync(await storage.OpenReadAsync("object")));

        Assert.Single(proxy.Requests);
    }

    [Fact]
    public async Task A_synchronous_reader_gets_the_right_bytes_too()
    {
        await using var proxy = await ProxyAsync(Fault.CutAt(700_000), Fault.StallAt(5));
        using var storage = Open(proxy);

        await using var stream = await storage.OpenReadAsync("object");
        byte[] read = new byte[_bytes.Length];
        stream.ReadExactly(read);

        Some.AssertSame(_bytes, read);
        Assert.Equal(-1, stream.ReadByte());
    }

    [Fact]
    public async Task A_service_that_stays_away_is_a_clear_error_within_the_budget()
    {
        await using var proxy = await ProxyAsync([Fault.CutAt(100_000), Fault.Busy], repeatLast: true);
        using var storage = Open(proxy);
        await using var stream = await storage.OpenReadAsync("object");

        var watch = Stopwatch.StartNew();
        var error = await Assert.ThrowsAsync<MigrationException>(() => Some.AllAsync(stream));

        Assert.Equal(("ArchiveUnreachable", MigrationErrorKind.Connection), (error.ErrorId, error.Kind));
        Assert.Contains("503", error.Message, StringComparison.Ordinal);
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(8));
    }

    [Fact]
    public async Task A_stalling_service_that_never_goes_on_is_an_error()
    {
        await using var proxy = await ProxyAsync([Fault.StallAt(100_000), Fault.StallAt(0)], repeatLast: true);
        using var storage = Open(proxy);
        await using var stream = await storage.OpenReadAsync("object");

        var error = await Assert.ThrowsAsync<MigrationException>(() => Some.AllAsync(stream));

        Assert.Equal("ArchiveUnreachable", error.ErrorId);
    }

    [Fact]
    public async Task A_refused_connection_is_a_clear_error()
    {
        using var storage = ArchiveStorage.Open(TestS3.At(new Uri("http://127.0.0.1:9"), "x"), Quick);

        var error = await Assert.ThrowsAsync<MigrationException>(() => storage.OpenReadAsync("object"));

        Assert.Equal("ArchiveUnreachable", error.ErrorId);
        Assert.Contains("refused", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_service_that_takes_connections_and_never_answers_is_said_to_have_run_out_of_time()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        using var storage = ArchiveStorage.Open(TestS3.At(new Uri($"http://{mute.LocalEndpoint}"), "x"), Quick);

        var error = await Assert.ThrowsAsync<MigrationException>(() => storage.OpenReadAsync("object"));

        Assert.Equal("ArchiveUnreachable", error.ErrorId);
        Assert.Contains("no answer within the time limit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_that_is_replaced_in_mid_read_is_an_error_and_not_a_mixture()
    {
        var access = s3.NewArchive();
        using var direct = ArchiveStorage.Open(access);
        await direct.WriteAsync("object", new MemoryStream(_bytes));
        await using var proxy = new FaultyProxy(s3.Endpoint, Fault.CutAt(100_000));
        using var storage = ArchiveStorage.Open(access with { Endpoint = proxy.Endpoint }, Quick);
        await using var stream = await storage.OpenReadAsync("object");
        await stream.ReadExactlyAsync(new byte[100_000]);

        await direct.WriteAsync("object", new MemoryStream(Some.Bytes(_bytes.Length, seed: 2)));

        // s3rver answers a wrong If-Match with 206 and the other bytes
        var error = await Assert.ThrowsAsync<MigrationException>(() => Some.AllAsync(stream));
        Assert.Equal("ArchiveObjectChanged", error.ErrorId);
    }

    [Fact]
    public async Task A_service_that_ignores_the_range_is_an_error_and_not_a_mixture()
    {
        var ignoring = new Fault { Request = head => head.Replace("\r\nRange:", "\r\nX-Was-Range:", StringComparison.OrdinalIgnoreCase) };
        await using var proxy = await ProxyAsync(Fault.CutAt(100_000), ignoring);
        using var storage = Open(proxy);

        var error = await Assert.ThrowsAsync<MigrationException>(async () => await Some.AllAsync(await storage.OpenReadAsync("object")));

        Assert.Equal("ArchiveRangeIgnored", error.ErrorId);
    }

    [Fact]
    public async Task Cancelling_ends_a_stalled_read_at_once()
    {
        await using var proxy = await ProxyAsync(Fault.StallAt(100_000));
        using var storage = Open(proxy, Quick with { IdleLimit = TimeSpan.FromMinutes(1) });
        await using var stream = await storage.OpenReadAsync("object");
        await stream.ReadExactlyAsync(new byte[100_000]);
        using var cancel = new CancellationTokenSource();

        var reading = stream.ReadAsync(new byte[10], cancel.Token);
        Assert.False(reading.IsCompleted);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.AsTask());
    }

    private static string Prefix { get; } = $"broken-{Guid.NewGuid():N}";

    private static IArchiveStorage Open(FaultyProxy proxy, TransferLimits? limits = null) => ArchiveStorage.Open(TestS3.At(proxy.Endpoint, Prefix), limits ?? Quick);

    private Task<FaultyProxy> ProxyAsync(params Fault[] faults) => ProxyAsync(faults, repeatLast: false);

    private async Task<FaultyProxy> ProxyAsync(Fault[] faults, bool repeatLast)
    {
        using var direct = ArchiveStorage.Open(TestS3.At(s3.Endpoint, Prefix));
        await direct.WriteAsync("object", new MemoryStream(_bytes));
        return new FaultyProxy(s3.Endpoint, faults) { RepeatLast = repeatLast };
    }
}
