using System.Security.Cryptography;
using System.Text;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Credentials of every kind in a session, found as AWS programs find them: by the environment, a home, parameters, and a session of AWS.Tools.</summary>
public sealed class AwsCredentialTests : IDisposable
{
    private readonly TestAws _aws = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _aws.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Every_kind_reads_a_bucket_in_one_session_and_none_shows_a_secret()
    {
        var (id, secret) = _aws.AddUser("base");
        var session = _aws.AddSession("session");
        string aws = Directory.CreateDirectory(_folder["home/.aws"]).FullName;
        string cache = Directory.CreateDirectory(Path.Combine(aws, "sso", "cache")).FullName;
        await File.WriteAllTextAsync(_folder["web"], TestAws.WebIdentity);
        await File.WriteAllTextAsync(_folder["container"], TestAws.ContainerToken);
        await File.WriteAllTextAsync(Path.Combine(aws, "credentials"), $"[base]\naws_access_key_id={id}\naws_secret_access_key={secret}\n");
        await File.WriteAllTextAsync(Path.Combine(aws, "config"), $"""
            [profile role]
            role_arn = arn:aws:iam::1:role/reader
            source_profile = base
            [profile env]
            role_arn = arn:aws:iam::1:role/of-environment
            credential_source = Environment
            [profile ec2]
            role_arn = arn:aws:iam::1:role/of-instance
            credential_source = Ec2InstanceMetadata
            [profile ecs]
            role_arn = arn:aws:iam::1:role/of-container
            credential_source = EcsContainer
            [profile person]
            sso_session = main
            sso_account_id = {TestAws.Account}
            sso_role_name = Reader
            [profile person-before]
            sso_start_url = https://start.example
            sso_region = eu-central-1
            sso_account_id = {TestAws.Account}
            sso_role_name = Legacy
            [profile signed-out]
            sso_start_url = https://elsewhere.example
            sso_region = eu-central-1
            sso_account_id = {TestAws.Account}
            sso_role_name = Reader
            [sso-session main]
            sso_start_url = https://start.example
            sso_region = eu-central-1
            """);
        foreach (string name in (string[])["main", "https://start.example"])
        {
#pragma warning disable CA5350 // as the AWS CLI names its files
            await File.WriteAllTextAsync(Path.Combine(cache, Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(name))) + ".json"),
                $$"""{"accessToken":"{{TestAws.SignIn}}","expiresAt":"2099-01-01T00:00:00Z","startUrl":"https://start.example","region":"eu-central-1"}""");
#pragma warning restore CA5350
        }

        string script = _folder["kinds.ps1"];
        await File.WriteAllTextAsync(script, $$"""
            param($Aws, $Folder)
            foreach ($old in [Environment]::GetEnvironmentVariables().Keys -like 'AWS_*') { [Environment]::SetEnvironmentVariable($old, $null) }
            $env:HOME = "$Folder/home"
            $env:AWS_REGION = 'eu-central-1'
            foreach ($service in 'STS', 'SSO', 'SSO_OIDC') { [Environment]::SetEnvironmentVariable("AWS_ENDPOINT_URL_$service", $Aws) }
            function Try-Kind($Kind, $Variables = @{}, $Parameters = @{}) {
                foreach ($name in $Variables.Keys) { [Environment]::SetEnvironmentVariable($name, $Variables[$name]) }
                try { $null = Get-WalBackup s3://bucket/prod -EndpointUrl $Aws -WarningAction SilentlyContinue @Parameters; [Console]::Out.WriteLine("$Kind ok") }
                catch { [Console]::Out.WriteLine("$Kind $($_.FullyQualifiedErrorId.Split(',')[0]): $($_.Exception.Message)") }
                finally { foreach ($name in $Variables.Keys) { [Environment]::SetEnvironmentVariable($name, $null) } }
            }
            $keys = @{ AWS_ACCESS_KEY_ID = '{{id}}'; AWS_SECRET_ACCESS_KEY = '{{secret}}' }
            Try-Kind environment $keys
            Try-Kind session @{ AWS_ACCESS_KEY_ID = '{{session.Id}}'; AWS_SECRET_ACCESS_KEY = '{{session.Secret}}'; AWS_SESSION_TOKEN = '{{session.Token}}' }
            Try-Kind profile @{ AWS_PROFILE = 'role' }
            Try-Kind credential-source-environment $keys @{ ProfileName = 'env' }
            Try-Kind credential-source-instance @{ AWS_EC2_METADATA_SERVICE_ENDPOINT = $Aws } @{ ProfileName = 'ec2' }
            Try-Kind credential-source-container @{ AWS_CONTAINER_CREDENTIALS_FULL_URI = "${Aws}container"; AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = "$Folder/container" } @{ ProfileName = 'ecs' }
            Try-Kind web-identity @{ AWS_ROLE_ARN = 'arn:aws:iam::1:role/pod'; AWS_WEB_IDENTITY_TOKEN_FILE = "$Folder/web" }
            Try-Kind sign-on @{} @{ ProfileName = 'person' }
            Try-Kind sign-on-before @{} @{ ProfileName = 'person-before' }
            Try-Kind signed-out @{} @{ ProfileName = 'signed-out' }
            Try-Kind container @{ AWS_CONTAINER_CREDENTIALS_FULL_URI = "${Aws}container"; AWS_CONTAINER_AUTHORIZATION_TOKEN = '{{TestAws.ContainerToken}}' }
            Try-Kind instance @{ AWS_EC2_METADATA_SERVICE_ENDPOINT = $Aws }
            Try-Kind nothing @{ AWS_EC2_METADATA_DISABLED = 'true' }
            Try-Kind parameters @{} @{ AccessKey = '{{id}}'; SecretKey = '{{secret}}' }
            $secure = [securestring]::new(); '{{session.Secret}}'.ToCharArray() | ForEach-Object { $secure.AppendChar($_) }
            Try-Kind secure-parameters @{} @{ AccessKey = '{{session.Id}}'; SecretKey = $secure; SessionToken = '{{session.Token}}' }
            $secure = [securestring]::new(); '{{secret}}'.ToCharArray() | ForEach-Object { $secure.AppendChar($_) }
            Try-Kind credential @{} @{ Credential = [pscredential]::new('{{id}}', $secure) }
            Try-Kind location @{} @{ ProfileName = 'base'; ProfileLocation = "$Folder/home/.aws/credentials" }
            Try-Kind half @{} @{ AccessKey = '{{id}}' }
            Try-Kind both @{} @{ ProfileName = 'base'; AccessKey = '{{id}}'; SecretKey = '{{secret}}' }
            exit 0
            """);

        var (exitCode, output, errors) = await ShellRun.ToEndAsync(script, "-Aws", _aws.Address.AbsoluteUri, "-Folder", _folder.Path);

        Assert.True(exitCode == 0, errors + output);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2)).ToDictionary(line => line[0], line => line[1]);
        var failed = lines.Where(line => line.Value != "ok").ToDictionary();
        Assert.True(failed.Keys.Order().SequenceEqual(["both", "half", "nothing", "signed-out"]), output);
        Assert.StartsWith("AwsSignInExpired", failed["signed-out"], StringComparison.Ordinal);
        Assert.Contains("aws sso login --profile signed-out", failed["signed-out"], StringComparison.Ordinal);
        Assert.StartsWith("AwsCredentialsMissing", failed["nothing"], StringComparison.Ordinal);
        Assert.StartsWith("AwsParametersInvalid", failed["half"], StringComparison.Ordinal);
        Assert.StartsWith("AwsParametersInvalid", failed["both"], StringComparison.Ordinal);
        Assert.DoesNotContain(_aws.Secrets, secret => (output + errors).Contains(secret, StringComparison.Ordinal));
        Assert.Equal(["base", "session", "reader", "of-environment", "of-instance", "of-container", "pod", "Reader", "Legacy", "container", "instance", "base", "session", "base", "base"],
            _aws.Log.Where(entry => entry.StartsWith("list by ", StringComparison.Ordinal)).Select(entry => entry[8..]));
    }
}
