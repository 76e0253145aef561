namespace PgMigration.Wal;

/// <summary>A home's AWS configuration files, with a profile of each kind, whose services are those of a <see cref="TestAws"/>.</summary>
internal sealed class AwsFiles : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-aws-").FullName;

    public AwsFiles(TestAws aws)
    {
        var (id, secret) = aws.AddUser("base");
        var session = aws.AddSession("session");
        File.WriteAllText(Token, TestAws.WebIdentity + "\n");
        File.WriteAllText(Credentials, $"""
            # keys
            [base]
            aws_access_key_id = {id}
            aws_secret_access_key={secret} ; the secret

            [session]
            aws_access_key_id = {session.Id}
            aws_secret_access_key = {session.Secret}
            aws_session_token = {session.Token}
            """);
        const string Arn = $"arn:aws:iam::{TestAws.Account}:role";
        File.WriteAllText(Path.Combine(_folder, "config"), $$"""
            [default]
            region = eu-central-1
            [profile base]
            region = eu-west-3
            [profile role]
            role_arn = {{Arn}}/reader
            source_profile = base
            duration_seconds = 900
            services = local
            [profile chained]
            role_arn = {{Arn}}/second
            source_profile = role
            services = local
            [profile external]
            role_arn = {{Arn}}/external
            external_id = {{TestAws.ExternalId}}
            role_session_name = nightly
            source_profile = base
            services = local
            [profile process]
            credential_process = printf '{"Version":1,"AccessKeyId":"{{id}}","SecretAccessKey":"%s"}' '{{secret}}' # not a comment
            [profile process-role]
            role_arn = {{Arn}}/reader
            source_profile = process
            services = local
            [profile process-same]
            role_arn = {{Arn}}/reader
            credential_process = printf '{"Version":1,"AccessKeyId":"{{id}}","SecretAccessKey":"%s"}' '{{secret}}'
            services = local
            [profile of-itself]
            role_arn = {{Arn}}/reader
            source_profile = of-itself
            aws_access_key_id = {{id}}
            aws_secret_access_key = {{secret}}
            endpoint_url = {{aws.Address}}
            [profile web]
            role_arn = {{Arn}}/pod
            web_identity_token_file = {{Token}}
            services = local
            [profile mfa]
            role_arn = {{Arn}}/reader
            source_profile = base
            mfa_serial = arn:aws:iam::{{TestAws.Account}}:mfa/me
            [profile closed]
            role_arn = {{Arn}}/closed
            source_profile = base
            services = local
            [profile circle]
            role_arn = {{Arn}}/reader
            source_profile = circle2
            [profile circle2]
            role_arn = {{Arn}}/reader
            source_profile = circle
            [profile unreachable]
            role_arn = {{Arn}}/reader
            source_profile = base
            services = nowhere
            [profile no-source]
            role_arn = {{Arn}}/reader
            source_profile = missing
            [profile broken-process]
            credential_process = echo oops >&2; exit 3
            [profile lost-token]
            role_arn = {{Arn}}/pod
            web_identity_token_file = /nowhere/token
            services = local
            [profile odd-source]
            role_arn = {{Arn}}/reader
            credential_source = Elsewhere
            [profile login]
            login_session = arn:aws:iam::1:user/me
            [profile empty]
            output = json
            [services local]
            sts =
              endpoint_url = {{aws.Address}}
            [services nowhere]
            sts =
                endpoint_url = http://127.0.0.1:9
            """);
    }

    public string Credentials => Path.Combine(_folder, "credentials");

    public string Token => Path.Combine(_folder, "token");

    /// <summary>Access to the bucket by a profile.</summary>
    public ArchiveAccess Access(TestAws aws, string profile) =>
        new ArchiveAccess { Location = ArchiveLocation.Parse("s3://bucket/prod"), Endpoint = aws.Address, Region = "eu-central-1" }.WithProfile(profile, Credentials);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

#pragma warning disable CA5350 // the name of a file, which the AWS CLI makes this way
    /// <summary>The file in which <c>aws sso login</c> keeps the token of a session, or of a start URL.</summary>
    public static string SignInFile(string folder, string session) =>
        Path.Combine(folder, Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(System.Text.Encoding.UTF8.GetBytes(session))) + ".json");
#pragma warning restore CA5350
}
