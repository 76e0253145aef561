namespace PgMigration.Wal;

/// <summary>Every kind of credentials signs requests that a bucket accepts, and what cannot be made is reported as what it is.</summary>
public sealed class CredentialKindTests : IDisposable
{
    private static readonly TransferLimits Quick = new()
    {
        IdleLimit = TimeSpan.FromSeconds(5), RetryBudget = TimeSpan.FromSeconds(1), FirstContactBudget = TimeSpan.FromMilliseconds(300), FirstPause = TimeSpan.FromMilliseconds(50), LongestPause = TimeSpan.FromMilliseconds(50),
    };

    private readonly TestAws _aws = new();
    private readonly AwsFiles _files;

    public CredentialKindTests() => _files = new AwsFiles(_aws);

    public void Dispose()
    {
        _files.Dispose();
        _aws.Dispose();
    }

    [Theory]
    [InlineData("base", "list by base")]
    [InlineData("session", "list by session")]
    [InlineData("role", "AssumeRole reader by base, list by reader")]
    [InlineData("chained", "AssumeRole reader by base, AssumeRole second by reader, list by second")]
    [InlineData("external", "AssumeRole external by base, list by external")]
    [InlineData("process", "list by base")]
    [InlineData("process-role", "AssumeRole reader by base, list by reader")]
    [InlineData("process-same", "AssumeRole reader by base, list by reader")]
    [InlineData("of-itself", "AssumeRole reader by base, list by reader")]
    [InlineData("web", "AssumeRoleWithWebIdentity pod by web identity, list by pod")]
    public async Task A_profile_signs_requests(string profile, string expected)
    {
        await ListAsync(_files.Access(_aws, profile));
        Assert.Equal(expected, string.Join(", ", _aws.Log));
    }

    [Theory]
    [InlineData("role")]
    [InlineData("chained")]
    [InlineData("external")]
    [InlineData("process-role")]
    [InlineData("web")]
    public async Task A_profile_that_was_saved_for_another_user_needs_no_files_of_its_own(string profile)
    {
        string saved = Path.GetTempFileName();
        _files.Access(_aws, profile).ForAnotherUser(new WatchedWarnings()).Save(saved);
        File.Move(_files.Credentials, _files.Credentials + ".gone");
        try
        {
            var loaded = ArchiveAccess.Load(saved);
            Assert.True(loaded.HoldsCredentials);
            Assert.DoesNotContain(_aws.Secrets, secret => loaded.ToString().Contains(secret, StringComparison.Ordinal));
            await ListAsync(loaded);
        }
        finally
        {
            File.Delete(saved);
        }
    }

    [Fact]
    public async Task The_metadata_services_of_instances_and_containers_give_keys()
    {
        await ListAsync(Of(new InstanceSource { Endpoint = _aws.Address }));
        await File.WriteAllTextAsync(_files.Token, TestAws.ContainerToken + "\n");
        await ListAsync(Of(new ContainerSource(new Uri(_aws.Address, "container")) { TokenFile = _files.Token }));

        Assert.Equal(["metadata", "list by instance", "container", "list by container"], _aws.Log);
    }

    [Theory]
    [InlineData("start", null)]
    [InlineData("session", "main")]
    public async Task Single_sign_on_uses_the_token_that_the_login_left(string _, string? session)
    {
        var source = Source(session);
        string token = AwsFiles.SignInFile(source.Folder, session ?? source.StartUrl);
        try
        {
            await File.WriteAllTextAsync(token, $$"""{"startUrl":"x","region":"eu-central-1","accessToken":"{{TestAws.SignIn}}","expiresAt":"{{DateTime.UtcNow.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}}"}""");
            await ListAsync(Of(source));
            Assert.Equal(["GetRoleCredentials Reader", "list by Reader"], _aws.Log);

            await File.WriteAllTextAsync(token, $$"""{"startUrl":"x","region":"eu-central-1","accessToken":"{{TestAws.SignIn}}","expiresAt":"2020-01-01T00:00:00Z"}""");
            var error = await Assert.ThrowsAsync<MigrationException>(() => ListAsync(Of(source)));
            Assert.Equal("AwsSignInExpired", error.ErrorId);
            Assert.Contains("aws sso login --profile person", error.Message, StringComparison.Ordinal);

            // the newer form renews its token, and keeps the new one for all programs
            await File.WriteAllTextAsync(token, $$"""{"startUrl":"x","region":"eu-central-1","accessToken":"old","expiresAt":"2020-01-01T00:00:00Z","refreshToken":"r","clientId":"c","clientSecret":"s","registrationExpiresAt":"2099-01-01T00:00:00Z"}""");
            if (session is not null)
            {
                await ListAsync(Of(source));
                Assert.Contains(TestAws.SignIn, await File.ReadAllTextAsync(token), StringComparison.Ordinal);
            }
        }
        finally
        {
            File.Delete(token);
        }
    }

    [Fact]
    public async Task A_sign_on_that_never_was_is_told_with_the_command_that_signs_in()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => ListAsync(Of(Source("never"))));
        Assert.Equal("AwsSignInExpired", error.ErrorId);
        Assert.Contains("aws sso login --profile person", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mfa", "AwsMfaRequired", "arn:aws:iam::123456789012:mfa/me")]
    [InlineData("closed", "AwsCredentialsFailed", "STS answered AccessDenied")]
    [InlineData("circle", "AwsProfileInvalid", "circle → circle2 → circle")]
    [InlineData("unreachable", "AwsCredentialsFailed", "the service that issues them cannot be reached")]
    [InlineData("no-source", "ProfileNotFound", "'missing'")]
    [InlineData("not-there", "ProfileNotFound", "'not-there'")]
    [InlineData("broken-process", "AwsCredentialsFailed", "oops")]
    [InlineData("lost-token", "AwsCredentialsFailed", "/nowhere/token")]
    [InlineData("odd-source", "AwsProfileInvalid", "'Elsewhere'")]
    [InlineData("login", "AwsProfileInvalid", "aws configure export-credentials --profile login")]
    [InlineData("empty", "AwsProfileInvalid", "holds no credentials")]
    public async Task What_cannot_be_made_names_the_profile_and_never_the_network_of_the_archive(string profile, string id, string expected)
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => ListAsync(_files.Access(_aws, profile)));

        Assert.Equal(id, error.ErrorId);
        Assert.Contains(profile, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Check the network", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_aws.Secrets, secret => error.ToString().Contains(secret, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(typeof(FileNotFoundException))]
    [InlineData(typeof(FileLoadException))]
    [InlineData(typeof(BadImageFormatException))]
    [InlineData(typeof(TypeLoadException))]
    public void A_missing_assembly_is_not_the_network(Type kind)
    {
        var error = new InvalidOperationException("no", (Exception)Activator.CreateInstance(kind, "Could not load file or assembly")!);

        Assert.False(S3Errors.IsTransient(error));
        Assert.Equal("ArchiveRequestFailed", S3Errors.Explain(error, ArchiveLocation.Parse("s3://bucket/x"), "name").ErrorId);
    }

    [Fact]
    public async Task Role_credentials_are_renewed_before_they_end()
    {
        _aws.Lifetime = TimeSpan.FromSeconds(2);
        using var storage = ArchiveStorage.Open(_files.Access(_aws, "role"), Quick);
        for (var since = System.Diagnostics.Stopwatch.StartNew(); since.Elapsed < TimeSpan.FromSeconds(5);)
        {
            Assert.Null(await FirstAsync(storage));
            await Task.Delay(100);
        }

        Assert.InRange(_aws.Log.Count(entry => entry.StartsWith("AssumeRole", StringComparison.Ordinal)), 2, 12);
        Assert.DoesNotContain(_aws.Log, entry => entry.StartsWith("refused", StringComparison.Ordinal));
    }

    private static SignInSource SourceIn(TestAws aws, string? session) => new()
    {
        Profile = "person", AccountId = TestAws.Account, RoleName = "Reader", StartUrl = "https://start.example", Region = "eu-central-1", Session = session, Folder = Path.GetTempPath(),
        Endpoint = aws.Address, TokenEndpoint = aws.Address,
    };

    private SignInSource Source(string? session) => SourceIn(_aws, session);

    private ArchiveAccess Of(AwsCredentialSource source) =>
        new() { Location = ArchiveLocation.Parse("s3://bucket/prod"), Endpoint = _aws.Address, Region = "eu-central-1", Source = source };

    private static async Task ListAsync(ArchiveAccess access)
    {
        using var storage = ArchiveStorage.Open(access, Quick);
        Assert.Null(await FirstAsync(storage));
    }

    private static async Task<ArchiveObject?> FirstAsync(IArchiveStorage storage)
    {
        await foreach (var found in storage.ListAsync("wal_005/"))
        {
            return found;
        }

        return null;
    }
}
