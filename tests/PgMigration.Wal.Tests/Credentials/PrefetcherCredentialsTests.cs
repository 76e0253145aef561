using System.Diagnostics;

namespace PgMigration.Wal;

/// <summary>The native prefetcher makes and renews every kind of credentials itself, from archive.json alone: nothing of it was trimmed away.</summary>
[Collection("programs")]
public sealed class PrefetcherCredentialsTests(PublishedPrograms programs) : IDisposable
{
    private readonly TestAws _aws = new() { Lifetime = TimeSpan.FromSeconds(4) };
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-own-").FullName;

    public void Dispose()
    {
        _aws.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_role_is_assumed_again_while_segments_are_followed()
    {
        using var files = new AwsFiles(_aws);
        using var archive = new FollowedArchive(programs, access: files.Access(_aws, "chained").ForAnotherUser(IMigrationObserver.None));
        await ArchiveAsync(1);
        await archive.ReplayStubbornlyAsync(1);
        await FollowedArchive.UntilAsync(() => _aws.Log.Count(entry => entry.StartsWith("AssumeRole second", StringComparison.Ordinal)) > 1 ? "renewed" : null);
        await ArchiveAsync(2);
        await archive.ReplayStubbornlyAsync(2);

        _aws.Expire("second"); // as AWS does when a role's sessions are revoked
        await ArchiveAsync(3);
        await archive.ReplayStubbornlyAsync(3);
    }

    [Fact]
    public async Task Every_kind_is_made_by_the_native_program()
    {
        using var files = new AwsFiles(_aws);
        foreach (string profile in (string[])["role", "chained", "external", "process-role", "web"])
        {
            AssertMade(await MakeAsync(files.Access(_aws, profile).ForAnotherUser(new WatchedWarnings())));
        }

        var access = files.Access(_aws, "base");
        string token = AwsFiles.SignInFile(_folder, "main");
        await File.WriteAllTextAsync(token, $$"""{"accessToken":"old","expiresAt":"2020-01-01T00:00:00Z","refreshToken":"r","clientId":"c","clientSecret":"s","registrationExpiresAt":"2099-01-01T00:00:00Z","startUrl":"x","region":"eu-central-1"}""");
        var signIn = new SignInSource
        {
            AccountId = TestAws.Account, RoleName = "Reader", StartUrl = "https://start.example", Region = "eu-central-1", Session = "main", Folder = _folder, Endpoint = _aws.Address, TokenEndpoint = _aws.Address,
        };
        AwsCredentialSource[] others = [signIn, new InstanceSource { Endpoint = _aws.Address }, new ContainerSource(new Uri(_aws.Address, "container")) { Token = TestAws.ContainerToken }];
        foreach (var source in others)
        {
            AssertMade(await MakeAsync(access with { Profile = null, ProfileFile = null, Source = source }));
        }

        Assert.Equal(["CreateToken", "GetRoleCredentials Reader", "metadata", "container"], _aws.Log.TakeLast(4));
        var (exitCode, errors) = await MakeAsync(files.Access(_aws, "closed").ForAnotherUser(IMigrationObserver.None));
        Assert.Equal(1, exitCode);
        Assert.Contains("STS answered AccessDenied", errors, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Errors)> MakeAsync(ArchiveAccess access)
    {
        string saved = Path.Combine(_folder, "archive.json");
        access.Save(saved);
        using var process = Process.Start(new ProcessStartInfo("env", ["-i", "PATH=/usr/bin:/bin", programs.WalPrefetch, "credentials", saved]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, errors);
    }

    private async Task ArchiveAsync(int number)
    {
        var encoded = new MemoryStream();
        await using (var codec = Codec.Lz4.Compress(encoded))
        {
            await codec.WriteAsync(FollowedArchive.Segment(number));
        }

        _aws.Objects[$"prod/wal_005/{FollowedArchive.Name(number)}.lz4"] = encoded.ToArray();
    }

    // not compared as a pair, of which a failed test prints the beginning only
    private static void AssertMade((int ExitCode, string Errors) made)
    {
        Assert.True(made.Errors.Length == 0, made.Errors);
        Assert.Equal(0, made.ExitCode);
    }
}
