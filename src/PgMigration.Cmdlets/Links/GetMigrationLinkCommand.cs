using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Finds the link between two servers from the servers alone, on any machine that reaches both.</summary>
/// <remarks>
/// The restore runs on the new server; lag and cutover run from a laptop as well. The target must replay the source's WAL: by our
/// restore_command, by another one, or streamed. For a cutover its login must be a superuser there. A target that was promoted meanwhile
/// is found too, so that Resume-Cutover and Undo-Cutover can go on with it. Tasks of AWS DMS are found by the row that Start-PgDmsReplication
/// wrote for each, once it has arrived; their region is the ARN's, and the keys those of the session (Set-AWSCredential) or the environment.
/// </remarks>
/// <example>
/// <code>Get-MigrationLink -Source $env:DATABASE_URL -Target postgres://postgres@new.example.com/shop | Get-ReplicationLag</code>
/// <para>How far the new server is behind, asked from here.</para>
/// </example>
/// <example>
/// <code>$link = Get-MigrationLink -Source $env:DATABASE_URL -Target service=new; $link | Wait-ReplicationLag -Below 64MB | Invoke-Cutover -App $app</code>
/// <para>The cutover from a laptop.</para>
/// </example>
/// <example>
/// <code>Get-MigrationLink -Source postgres://app@moved.example.com/shop -Target service=new | Resume-Cutover -App $app -Journal ./tonight.journal</code>
/// <para>Goes on after the source has changed its address.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "MigrationLink")]
[OutputType(typeof(WalLink), typeof(DmsLink))]
public sealed class GetMigrationLinkCommand : MigrationCmdlet
{
    /// <summary>The server that the app leaves.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>The server it goes to; for a cutover as a superuser.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [PgServerTransformation]
    public PgServer? Target { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var link = await LinkSearch.FindAsync(Source!, Target!, cancel);
        bool isUnnamed = link is DmsLink { Access.HasKeys: false };
        var choice = isUnnamed && SessionVariable("StoredAWSCredentials") is { } stored ? AwsSession.Of(stored, "$StoredAWSCredentials") : default;
        Write(link is not DmsLink dms ? link
            : choice.Keys is { } keys ? dms.WithAccess(dms.Access.WithKeys(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken))
            : choice.Session is { } session ? dms.WithAccess(dms.Access.WithSession(session)) : dms);
    }
}
