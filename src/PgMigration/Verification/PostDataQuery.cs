namespace PgMigration;

/// <summary>What is asked of the catalogs about all that DMS does not make. Sequences, and defaults that are nothing but their next value, are repaired at the cutover.</summary>
/// <remarks>$1: the moved tables. $2: whether every partitioned table counts. The columns are those of <see cref="PostDataItem"/>.</remarks>
internal static class PostDataQuery
{
    public const string Sql = $"""
        with recursive spaces as (select oid, nspname from pg_namespace where nspname not in ('pg_catalog', 'information_schema', '{MarkTable.Schema}') and nspname !~ '^pg_'),
        members as (select classid, objid from pg_depend where deptype = 'e'),
        own as (select c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relpartbound, format('%I.%I', s.nspname, c.relname) as name, format('%s.%s', s.nspname, c.relname) as plain
                from pg_class c join spaces s on s.oid = c.relnamespace
                where c.relkind in ('r', 'p') and c.relname !~ '^awsdms_' and not exists (select from members m where m.classid = 'pg_class'::regclass and m.objid = c.oid)),
        family as (select oid from own where relkind = 'r' and plain = any ($1)
                   union select h.inhparent from family f join pg_inherits h on h.inhrelid = f.oid join own p on p.oid = h.inhparent and p.relkind = 'p'),
        tables as (select * from own where oid in (select oid from family) or ($2 and relkind = 'p'))
        select 'partitioned table', t.name, true, t.plain, null, pg_get_partkeydef(t.oid) from tables t where t.relkind = 'p'
        union all
        select case when t.relispartition then 'partition' else 'inheritance' end, format('%s of %s', t.name, p.name), true, t.plain, null, pg_get_expr(t.relpartbound, t.oid)
        from tables t join pg_inherits h on h.inhrelid = t.oid join own p on p.oid = h.inhparent
        union all
        select '{PostDataItem.Column}', format('%s.%I', t.name, a.attname), true, t.plain, format_type(a.atttypid, a.atttypmod), null
        from pg_attribute a join tables t on t.oid = a.attrelid where a.attnum > 0 and not a.attisdropped
        union all
        select 'collation', format('%s.%I', t.name, a.attname), true, t.plain, format('%I.%I', n.nspname, k.collname), null
        from pg_attribute a join tables t on t.oid = a.attrelid join pg_type y on y.oid = a.atttypid join pg_collation k on k.oid = a.attcollation join pg_namespace n on n.oid = k.collnamespace
        where a.attnum > 0 and not a.attisdropped and a.attcollation <> y.typcollation
        union all
        select 'NOT NULL', format('%s.%I', t.name, a.attname), true, t.plain, null, null from pg_attribute a join tables t on t.oid = a.attrelid where a.attnum > 0 and not a.attisdropped and a.attnotnull
        union all
        select case a.attgenerated when '' then '{PostDataItem.Default}' else 'generated column' end, format('%s.%I', t.name, a.attname), true, t.plain, null, pg_get_expr(d.adbin, d.adrelid)
        from pg_attrdef d join tables t on t.oid = d.adrelid join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        union all
        select 'index', format('%s on %s', i.relname, t.name), x.indisvalid and x.indisready, t.plain,
               concat_ws(' ', case when x.indisunique then 'unique' end, case when x.indisunique and to_jsonb(x) ->> 'indnullsnotdistinct' = 'true' then 'nulls not distinct' end, am.amname,
                   (select string_agg(case when x.indkey[p - 1] = 0 then 'expression' else pg_get_indexdef(x.indexrelid, p, true) end, ', ' order by p) from generate_series(1, x.indnatts::int) p),
                   case when x.indpred is not null then 'partial' end),
               regexp_replace(pg_get_indexdef(x.indexrelid), ' WITH \(\w+=[^)]*\)', '') -- how it is stored is everybody's own affair
        from pg_index x join tables t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid join pg_am am on am.oid = i.relam
        union all
        select case k.contype when 'p' then 'primary key' when 'u' then 'unique constraint' when 'f' then 'foreign key' when 'c' then 'check' else 'constraint' end,
               format('%s of %s', k.conname, t.name), k.convalidated, t.plain,
               case when k.contype in ('p', 'u', 'f') then regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') end,
               case when k.contype in ('c', 'x') then regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') end
        from pg_constraint k join tables t on t.oid = k.conrelid
        where k.contype in ('p', 'u', 'f', 'c', 'x') and not (k.contype = 'f' and k.conparentid <> 0) -- those of partitions come with their parent's, under names of their own
        union all
        select 'trigger', format('%s of %s', g.tgname, t.name), g.tgenabled <> 'D', t.plain,
               format('%s %s%s', g.tgtype, g.tgfoid::regproc, case g.tgenabled when 'D' then ' disabled' end), pg_get_triggerdef(g.oid)
        from pg_trigger g join tables t on t.oid = g.tgrelid
        where not g.tgisinternal and g.tgname !~ '^awsdms_' and g.tgenabled not in ('A', 'R') -- those fire for DMS too, and are made when it has stopped
        union all
        select 'row security', t.name, true, t.plain, case when t.relrowsecurity then 'on' else 'off' end || case when t.relforcerowsecurity then ', forced' else '' end, null from tables t
        union all
        select 'policy', format('%s of %s', l.polname, t.name), true, t.plain,
               concat_ws(' ', l.polcmd, case when l.polpermissive then 'permissive' else 'restrictive' end,
                   (select string_agg(case r when 0 then 'PUBLIC' else pg_get_userbyid(r) end, ', ' order by case r when 0 then 'PUBLIC' else pg_get_userbyid(r)::text end) from unnest(l.polroles) r)),
               concat_ws(' WITH CHECK ', pg_get_expr(l.polqual, l.polrelid), pg_get_expr(l.polwithcheck, l.polrelid))
        from pg_policy l join tables t on t.oid = l.polrelid
        union all
        select 'rule', format('%s of %s', r.rulename, t.name), r.ev_enabled <> 'D', t.plain, null, pg_get_ruledef(r.oid) from pg_rewrite r join tables t on t.oid = r.ev_class where r.rulename <> '_RETURN'
        union all
        select '{PostDataItem.Statistics}', format('%I.%I of %s', s.nspname, e.stxname, t.name), true, t.plain, null, null from pg_statistic_ext e join tables t on t.oid = e.stxrelid join spaces s on s.oid = e.stxnamespace
        union all
        select case c.relkind when 'v' then 'view' else 'materialized view' end, format('%I.%I', s.nspname, c.relname), c.relkind = 'v' or c.relispopulated, null,
               concat_ws(' ', (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
                   case c.relkind when 'v' then (select string_agg(o, ', ' order by o) from unnest(c.reloptions) o) end),
               pg_get_viewdef(c.oid)
        from pg_class c join spaces s on s.oid = c.relnamespace
        where c.relkind in ('v', 'm') and not exists (select from members m where m.classid = 'pg_class'::regclass and m.objid = c.oid)
        union all
        select 'function', format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), true, null,
               concat_ws(' ', l.lanname, pg_get_function_result(p.oid), p.provolatile, p.proisstrict, p.prosecdef, array_to_string(p.proconfig, ', '), md5(p.prosrc), g.aggtransfn, g.aggfinalfn),
               case when p.prosrc = '' then pg_get_functiondef(p.oid) end -- a body that was parsed when it was made
        from pg_proc p join spaces s on s.oid = p.pronamespace join pg_language l on l.oid = p.prolang left join pg_aggregate g on g.aggfnoid = p.oid
        where p.proname !~ '^awsdms_' and not exists (select from members m where m.classid = 'pg_proc'::regclass and m.objid = p.oid)
        union all
        select '{PostDataItem.EnumType}', format('%I.%I', s.nspname, y.typname), true, null, (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = y.oid), null
        from pg_type y join spaces s on s.oid = y.typnamespace where y.typtype = 'e' and not exists (select from members m where m.classid = 'pg_type'::regclass and m.objid = y.oid)
        """;
}
