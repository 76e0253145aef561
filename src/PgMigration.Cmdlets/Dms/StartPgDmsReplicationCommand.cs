using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Copies tables to another server by AWS DMS and lets it follow: makes what is missing, starts or resumes, and returns the link.</summary>
/// <remarks>
/// The tables must be on the target, empty (Copy-PgSchema -Section PreData makes them): DMS itself makes neither defaults nor sequences, indexes,
/// foreign keys or triggers. It makes a replication instance, two endpoints and the tasks, each only where one of its name is missing, tests both
/// connections, and returns when every task runs; Wait-ReplicationLag waits for the load and the rest. Run again it goes on where it stopped. The tasks
/// stop rather than skip a row, load large tables first and in ranges, and measure the largest LOB first, which reads those columns once.
/// DMS Serverless is not made: adopt its like by console, or use -TaskCount for more than one machine can.
/// </remarks>
/// <example>
/// <code>Start-PgDmsReplication -Source service=own -Target service=aurora -WhatIf</code>
/// <para>What would be made, and what is there already.</para>
/// </example>
/// <example>
/// <code>Start-PgDmsReplication -Source service=own -Target service=aurora -SourceForDms postgres://dms@10.0.0.5/shop -SubnetGroup migration -SecurityGroup sg-0a1b2c | Wait-ReplicationLag -Below 10s</code>
/// <para>Starts, with DMS's own way to the source, and waits until it has loaded everything and follows.</para>
/// </example>
/// <example>
/// <code>Start-PgDmsReplication -Source service=own -Target service=aurora -Schema public, sales -Exclude '*_log' -TaskCount 4 -SourceForDms postgres://dms@10.0.0.5/shop -SourceSecret arn:aws:secretsmanager:eu-central-1:1:secret:own -TargetSecret arn:aws:secretsmanager:eu-central-1:1:secret:aurora -SecretRole arn:aws:iam::1:role/dms-secrets</code>
/// <para>Four tasks of about the same size; DMS takes the logins from Secrets Manager. -SourceForDms names the one on the source, which the fence of the cutover must spare.</para>
/// </example>
/// <example>
/// <code>Start-PgDmsReplication -Source service=own -Target service=rehearsal -LocalDms (Start-LocalDms)</code>
/// <para>The same on this machine, with a DMS of one's own, to rehearse it.</para>
/// </example>
/// <example>
/// <code>Start-PgDmsReplication -Source service=own -Target service=aurora -TaskArn arn:aws:dms:eu-central-1:1:task:ABC</code>
/// <para>Adopts and resumes a task that somebody made in the console.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Start, "PgDmsReplication", SupportsShouldProcess = true)]
[OutputType(typeof(DmsLink), typeof(DmsPlanRow))]
public sealed class StartPgDmsReplicationCommand : DmsCmdlet
{
    /// <summary>The server that the app leaves, as we reach it; its login must be able to read every table.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>The server it goes to, as we reach it, with the tables made and empty.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [PgServerTransformation]
    public PgServer? Target { get; set; }

    /// <summary>The source as DMS reaches it, with DMS's own login there, which must be allowed to replicate; by default -Source.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? SourceForDms { get; set; }

    /// <summary>The target as DMS reaches it; by default -Target.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? TargetForDms { get; set; }

    /// <summary>The begin of the names of all that is made: letters, digits and hyphens; pgmigration- and the database by default.</summary>
    [Parameter]
    public string? Name { get; set; }

    /// <summary>Schemas to move, with wildcards; all but the system's by default.</summary>
    [Parameter]
    [SupportsWildcards]
    public string[] Schema { get; set; } = ["*"];

    /// <summary>Tables to move, as table or schema.table, with wildcards; all by default.</summary>
    [Parameter]
    [SupportsWildcards]
    public string[] Table { get; set; } = ["*"];

    /// <summary>Tables to leave out, in the same form.</summary>
    [Parameter]
    [SupportsWildcards]
    public string[] Exclude { get; set; } = [];

    /// <summary>How many tasks share the tables, by size; 1 by default.</summary>
    [Parameter]
    [ValidateRange(1, 50)]
    public int TaskCount { get; set; } = 1;

    /// <summary>A replication instance that there is, by identifier or ARN; by default one of the same name as the rest, which is made.</summary>
    [Parameter]
    public string? ReplicationInstance { get; set; }

    /// <summary>The class of an instance that is made; dms.r6i.large by default.</summary>
    [Parameter]
    public string InstanceClass { get; set; } = "dms.r6i.large";

    /// <summary>The disk in GB of an instance that is made; 100 by default.</summary>
    [Parameter]
    [ValidateRange(5, 6144)]
    public int AllocatedStorage { get; set; } = 100;

    /// <summary>Make the instance with a second one that stands by in another zone.</summary>
    [Parameter]
    public SwitchParameter MultiAZ { get; set; }

    /// <summary>The subnet group of an instance that is made; by default the account's own.</summary>
    [Parameter]
    public string? SubnetGroup { get; set; }

    /// <summary>The security groups of an instance that is made.</summary>
    [Parameter]
    public string[] SecurityGroup { get; set; } = [];

    /// <summary>A secret in Secrets Manager with the source's host, port, username and password; by default DMS is given the password. -SourceForDms names its login then, without a password.</summary>
    [Parameter]
    public string? SourceSecret { get; set; }

    /// <summary>The same for the target.</summary>
    [Parameter]
    public string? TargetSecret { get; set; }

    /// <summary>The role with which DMS reads those secrets.</summary>
    [Parameter]
    public string? SecretRole { get; set; }

    /// <summary>An endpoint for the source that there is, by its ARN.</summary>
    [Parameter]
    public string? SourceEndpointArn { get; set; }

    /// <summary>An endpoint for the target that there is, by its ARN.</summary>
    [Parameter]
    public string? TargetEndpointArn { get; set; }

    /// <summary>Tasks that there are, by their ARNs: adopted as they are, and resumed; only a heartbeat table is added.</summary>
    [Parameter]
    public string[] TaskArn { get; set; } = [];

    /// <summary>The largest LOB in KB; by default it is measured in the source, which reads every LOB column once.</summary>
    [Parameter]
    [ValidateRange(1, 2_000_000)]
    public int? LobMaxSize { get; set; }

    /// <summary>How many tables, or ranges of one, a task loads at a time; 8 by default.</summary>
    [Parameter]
    [ValidateRange(1, 49)]
    public int MaxFullLoadSubTasks { get; set; } = 8;

    /// <summary>The size from which a table is loaded in ranges of its primary key, such as 4GB, the default.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long ParallelLoadFrom { get; set; } = 4L << 30;

    /// <summary>Do not let DMS compare rows as well, which costs both servers a read of every table.</summary>
    [Parameter]
    public SwitchParameter NoValidation { get; set; }

    /// <summary>Move tables without a primary key too, although their updates and deletes are not moved.</summary>
    [Parameter]
    public SwitchParameter AllowNoPrimaryKey { get; set; }

    /// <summary>How long an instance, a test of a connection or a task may take to get ready. Bare numbers are seconds; 30 minutes by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        if (TaskArn.Length > 0 ? await ShouldAsync(string.Join(", ", TaskArn), $"Adopt and resume these tasks of {Access()}") : await ShouldAsync(Target!.ToString(), $"Copy tables from {Source} by {Access()}, and follow"))
        {
            Write(await DmsReplication.StartAsync(Access(), Source!, Target!, Options(), Observer, cancel));
        }
        else if (TaskArn.Length == 0)
        {
            foreach (var row in (await DmsReplication.PlanAsync(Access(), Source!, Target!, Options(), Observer, cancel)).Rows)
            {
                Write(row);
            }
        }
    }

    private DmsReplicationOptions Options() => new()
    {
        Name = Name, Schemas = Schema, Tables = Table, Exclude = Exclude, TaskCount = TaskCount, ReplicationInstance = ReplicationInstance, InstanceClass = InstanceClass,
        AllocatedStorage = AllocatedStorage, MultiAZ = MultiAZ, SubnetGroup = SubnetGroup, SecurityGroups = SecurityGroup, SourceForDms = SourceForDms, TargetForDms = TargetForDms,
        SourceSecret = SourceSecret, TargetSecret = TargetSecret, SecretRole = SecretRole, SourceEndpointArn = SourceEndpointArn, TargetEndpointArn = TargetEndpointArn,
        TaskArns = TaskArn, LobMaxSize = LobMaxSize, MaxFullLoadSubTasks = MaxFullLoadSubTasks, ParallelLoadFrom = ParallelLoadFrom, Validate = !NoValidation,
        AllowNoPrimaryKey = AllowNoPrimaryKey, Timeout = Timeout,
    };
}
