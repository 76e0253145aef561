using static PgMigration.Wal.FaultyProxy;

namespace PgMigration.Wal;

/// <summary>Temporary keys that are replaced in the profile from which they came.</summary>
[Collection(S3Collection.Name)]
public sealed class RenewedKeysTests(TestS3 s3) : IDisposable
{
    private static readonly TransferLimits Quick = new()
    {
        IdleLimit = TimeSpan.FromSeconds(5), RetryBudget = TimeSpan.FromSeconds(6), FirstContactBudget = TimeSpan.FromSeconds(4), FirstPause = TimeSpan.FromMilliseconds(100), LongestPause = TimeSpan.FromMilliseconds(500),
    };

    private readonly string _profiles = Path.GetTempFileName();
    private readonly byte[] _bytes = Some.Bytes(2_000_000);

    public void Dispose() => File.Delete(_profiles);

    [Fact]
    public async Task Keys_that_expire_in_mid_read_are_read_anew_and_the_read_goes_on()
    {
        await using var proxy = await ProxyAsync(Fault.CutAt(700_000));
        using var storage = ArchiveStorage.Open(Access(proxy), Quick);
        await using var stream = await storage.OpenReadAsync("object");
        byte[] beginning = new byte[700_000];
        await stream.ReadExactlyAsync(beginning);

        int refused = 0;
        proxy.Refuse = head =>
        {
            bool isOld = head.Contains("x-amz-security-token: old", StringComparison.OrdinalIgnoreCase);
            if (isOld && ++refused == 2)
            {
                Write("new");
            }

            return isOld ? Fault.Expired : null;
        };

        Some.AssertSame(_bytes, [.. beginning, .. await Some.AllAsync(stream)]);
        Assert.True(refused >= 2);
        Assert.NotNull(await storage.FindAsync("object")); // and other requests use the new ones, too
    }

    [Fact]
    public async Task Keys_that_nobody_renews_are_an_error_within_the_budget()
    {
        await using var proxy = await ProxyAsync();
        using var storage = ArchiveStorage.Open(Access(proxy), Quick);
        Assert.NotNull(await storage.FindAsync("object"));
        proxy.Refuse = _ => Fault.Expired;

        Assert.Equal("ArchiveCredentialsExpired", (await Assert.ThrowsAsync<MigrationException>(() => storage.OpenReadAsync("object"))).ErrorId);
    }

    [Fact]
    public async Task Keys_that_never_were_good_are_told_at_once()
    {
        await using var proxy = await ProxyAsync();
        await File.WriteAllTextAsync(_profiles, "[host]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n");
        using var storage = ArchiveStorage.Open(Access(proxy) with { }, Quick);

        Assert.Equal("ArchiveAccessDenied", (await Assert.ThrowsAsync<MigrationException>(() => storage.OpenReadAsync("object"))).ErrorId);
        Assert.Single(proxy.Requests);
    }

    [Fact]
    public void Temporary_keys_of_a_profile_are_taken_along_with_where_they_came_from()
    {
        Write("old");
        var observer = new WatchedWarnings();

        var portable = new ArchiveAccess { Location = ArchiveLocation.Parse("s3://bucket"), Region = "eu-central-1", Profile = "host", ProfileFile = _profiles }.ForAnotherUser(observer);

        Assert.Equal(("old", "host", _profiles), (portable.SessionToken, portable.Profile, portable.ProfileFile));
        Assert.Contains(_profiles, Assert.Single(observer.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transfer_that_is_tried_again_says_so_once()
    {
        await using var proxy = await ProxyAsync(Fault.Busy, Fault.NoAnswer, Fault.CutAt(5), Fault.Busy);
        var observer = new WatchedWarnings();
        using var storage = ArchiveStorage.Open(Access(proxy), Quick, observer);

        Some.AssertSame(_bytes, await Some.AllAsync(await storage.OpenReadAsync("object")));

        Assert.Contains("503", Assert.Single(observer.Warnings), StringComparison.Ordinal);
    }

    private static string Prefix { get; } = $"renewed-{Guid.NewGuid():N}";

    private ArchiveAccess Access(FaultyProxy proxy) => new()
    {
        Location = ArchiveLocation.Parse($"s3://{TestS3.Bucket}/{Prefix}"), Endpoint = proxy.Endpoint, Region = "us-east-1", Profile = "host", ProfileFile = _profiles,
    };

    private void Write(string token) =>
        File.WriteAllText(_profiles, $"[host]\naws_access_key_id = {TestS3.Key}\naws_secret_access_key = {TestS3.Key}\naws_session_token = {token}\n");

    private async Task<FaultyProxy> ProxyAsync(params Fault[] faults)
    {
        Write("old");
        using var direct = ArchiveStorage.Open(TestS3.At(s3.Endpoint, Prefix));
        await direct.WriteAsync("object", new MemoryStream(_bytes));
        return new FaultyProxy(s3.Endpoint, faults);
    }
}
