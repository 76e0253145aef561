using System.Collections.Specialized;
using System.Text;
using PgMigration.LocalDms;

namespace PgMigration.Dms.Tests;

/// <summary>Who may ask the local DMS, by a request that botocore 1.43 signed with the key AKIDTEST/secretsecret at the time below.</summary>
public sealed class SignatureTests
{
    private static readonly DateTime Signed = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"MaxRecords": 20}""");

    private readonly NameValueCollection _headers = new()
    {
        ["Host"] = "127.0.0.1:8455",
        ["Content-Type"] = "application/x-amz-json-1.1",
        ["X-Amz-Target"] = "AmazonDMSv20160101.DescribeEndpoints",
        ["X-Amz-Date"] = "20260131T120000Z",
        ["Authorization"] = "AWS4-HMAC-SHA256 Credential=AKIDTEST/20260131/eu-central-1/dms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=ecbda053e74119f3fecd7278967bd9370061d4fdb143ea405ed21229fc3dd03b",
    };

    [Fact]
    public void A_request_that_another_program_signed_passes() => Check(_headers, Body, Signed);

    [Fact]
    public void Another_secret_does_not() => Refused("InvalidSignatureException", secret: "secretsecres");

    [Fact]
    public void Another_key_does_not() => Refused("UnrecognizedClientException", id: "AKIDOTHER");

    [Fact]
    public void A_key_without_its_session_token_does_not() => Refused("UnrecognizedClientException", token: "token");

    [Fact]
    public void Another_region_does_not() => Refused("InvalidSignatureException", region: "eu-west-1");

    [Fact]
    public void Another_body_does_not() => Assert.Equal("InvalidSignatureException", Assert.Throws<Fault>(() => Check(_headers, Encoding.UTF8.GetBytes("{}"), Signed)).Name);

    [Fact]
    public void Another_operation_under_the_same_signature_does_not()
    {
        _headers["X-Amz-Target"] = "AmazonDMSv20160101.DeleteEndpoint";

        Refused("InvalidSignatureException");
    }

    [Fact]
    public void A_signature_that_is_older_than_the_clocks_may_differ_does_not() =>
        Assert.Contains("expired", Assert.Throws<Fault>(() => Check(_headers, Body, Signed.AddMinutes(6))).Message, StringComparison.Ordinal);

    [Fact]
    public void None_at_all_does_not()
    {
        _headers.Remove("Authorization");

        Refused("MissingAuthenticationTokenException");
    }

    private void Refused(string fault, string id = "AKIDTEST", string secret = "secretsecret", string? token = null, string region = "eu-central-1") =>
        Assert.Equal(fault, Assert.Throws<Fault>(() => Check(_headers, Body, Signed, id, secret, token, region)).Name);

    private static void Check(NameValueCollection headers, byte[] body, DateTime now, string id = "AKIDTEST", string secret = "secretsecret", string? token = null, string region = "eu-central-1") =>
        new Signature(new AccessKey(id, secret, token), region).Check("POST", "/", headers, body, now);
}
